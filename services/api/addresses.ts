import type { Alias } from "moleculer-web";
import { problem } from "../../contracts/problems.ts";

/** The action at an address, with the parameters of its path. */
export interface Found {
	action: string;
	path: Record<string, string>;
}

/**
 * Looks up addresses among the aliases of moleculer-web, in their order: those without parameters first. moleculer-web
 * itself would compare all of them.
 */
export class Addresses {
	readonly #all: Address[];
	/** Aliases by method and number of segments. */
	readonly #bySegments: Map<string, Address[]>;
	/** Paths of aliases without parameters. */
	readonly #literal: Set<string>;

	constructor(aliases: Address[]) {
		this.#all = aliases;
		this.#bySegments = Map.groupBy(aliases, ({ method, fullPath }) => `${method} ${segments(fullPath)}`);
		this.#literal = new Set(aliases.filter(isLiteral).map(({ fullPath }) => fullPath.toLowerCase()));
	}

	/**
	 * @throws METHOD_NOT_ALLOWED for `DELETE /users/me`, which does not refer to a user with the id `me`, or an error of
	 * moleculer-web if a parameter is not UTF-8 in percent-encoding.
	 */
	find(method: string, path: string): Found | undefined {
		for (const alias of this.#bySegments.get(`${method} ${segments(path)}`) ?? []) {
			const parameters = alias.match(path);
			if (parameters) {
				if (!isLiteral(alias) && this.#literal.has(path.toLowerCase())) {
					throw problem("METHOD_NOT_ALLOWED");
				}
				return alias.action ? { action: alias.action, path: parameters } : undefined;
			}
		}
		return undefined;
	}

	/** Returns the methods of an address, for `Allow`; empty if there is no such address. */
	methodsAt(path: string): string[] {
		const found = this.#all.filter((alias) => matches(alias, path));
		// `/users/me` does not match `/users/:id`.
		const literal = found.filter(isLiteral);
		const methods = (literal.length > 0 ? literal : found).map((alias) => alias.method);
		return methods.length === 0 ? [] : [...new Set([...methods, "OPTIONS"])].sort();
	}
}

function isLiteral({ path }: Address): boolean {
	return !path.includes(":");
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
