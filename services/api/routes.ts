import { type ActionName, allActions, type DeclaredAction } from "../../contracts/actions.ts";
import type { ActionContract } from "../../contracts/contract.ts";

/** An action with an address. */
export interface Endpoint {
	name: ActionName;
	contract: ActionContract & Required<Pick<ActionContract, "rest">>;
	/** Contract of its service. */
	of: DeclaredAction["of"];
}

/** Returns all actions with an address, below `/api` or outermost. */
export function endpoints(outermost: boolean): Endpoint[] {
	return [...allActions()]
		.map(([name, declared]) => ({ name, ...declared }) as Endpoint)
		.filter(({ contract }) => contract.rest && Boolean(contract.rest.outermost) === outermost);
}

/** Returns the existing versions in ascending order. */
export function versions(): number[] {
	return [...new Set(endpoints(false).map(({ of }) => of.version))].sort((a, b) => a - b);
}

/** Returns the newest version of each address, which is served below `/api` without a version. */
export function newest(): Endpoint[] {
	const byAddress = new Map<string, Endpoint>();
	for (const endpoint of endpoints(false).sort((a, b) => a.of.version - b.of.version)) {
		const { method, path } = endpoint.contract.rest;
		byAddress.set(`${method} ${path}`, endpoint);
	}
	return [...byAddress.values()];
}

/** Returns moleculer-web's table from `METHOD /path` to action; every GET address also accepts HEAD. */
export function aliases(of: Endpoint[]): Record<string, string> {
	return Object.fromEntries(
		of.flatMap(({ name, contract: { rest } }) =>
			(rest.method === "GET" ? ["GET", "HEAD"] : [rest.method]).map((method) => [
				`${method} ${rest.path}`,
				name,
			]),
		),
	);
}
