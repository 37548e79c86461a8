import type { Alias } from "moleculer-web";
import { problem } from "../../contracts/problems.ts";

/** The action at an address, with the parameters of its path. */
export interface Found {
	action: string;
	path: Record<string, string>;
}

/** Looks up addresses quickly among the aliases of moleculer-web, in their order. */
export class Addresses {
	readonly #all: Address[];
	/** Aliases without parameters, by path and method. */
	readonly #literal = new Map<string, Map<string, Address>>();
	/** Aliases by method and number of segments. */
	readonly #bySegments = new Map<string, Address[]>();

	constructor(aliases: Address[]) {
		this.#all = aliases;
		for (const alias of aliases) {
			const key = `${alias.method} ${segments(alias.fullPath)}`;
			this.#bySegments.set(key, [...(this.#bySegments.get(key) ?? []), alias]);
			if (!alias.path.includes(":")) {
				const path = alias.fullPath.toLowerCase();
				const methods = this.#literal.get(path) ?? new Map<string, Address>();
				this.#literal.set(path, methods.set(alias.method, alias));
			}
		}
	}

	/** @throws an error of moleculer-web if a parameter is not UTF-8 in percent-encoding */
	find(method: string, path: string): Found | undefined {
		const literal = this.#literal.get(path)?.get(method);
		if (literal) {
			return literal.action ? { action: literal.action, path: {} } : undefined;
		}
		for (const alias of this.#bySegments.get(`${method} ${segments(path)}`) ?? []) {
			const parameters = alias.match(path);
			if (parameters) {
				return alias.action ? { action: alias.action, path: parameters } : undefined;
			}
		}
		return undefined;
	}

	/**
	 * Refuses `DELETE /users/me`, which does not refer to a user with the id `me`.
	 *
	 * @throws METHOD_NOT_ALLOWED
	 */
	refuseNames(method: string, path: string): void {
		const methods = this.#literal.get(path.toLowerCase());
		if (methods && !methods.has(method)) {
			throw problem("METHOD_NOT_ALLOWED");
		}
	}

	/** Returns the methods of an address, for `Allow`; empty if there is no such address. */
	methodsAt(path: string): string[] {
		const found = this.#all.filter((alias) => matches(alias, path));
		// `/users/me` does not match `/users/:id`.
		const literal = found.filter((alias) => !alias.path.includes(":"));
		const methods = (literal.length > 0 ? literal : found).map((alias) => alias.method);
		return methods.length === 0 ? [] : [...new Set([...methods, "OPTIONS"])].sort();
	}
}

function segments(path: string): number {
	let count = 0;
	for (let place = path.indexOf("/"); place !== -1; place = path.indexOf("/", place + 1)) {
		count += 1;
	}
	return count;
}

function matches(alias: Address, path: string): boolean {
	try {
		return alias.match(path) !== false;
	} catch {
		return false;
	}
}

/** An alias of moleculer-web, including fields that its types lack. */
export type Address = Alias & {
	method: string;
	path: string;
	fullPath: string;
	action: string | null;
	match(url: string): Record<string, string> | false;
};
