import { type ActionName, allActions } from "../../contracts/actions.ts";
import type { ActionContract } from "../../contracts/contract.ts";

/** An action that has an address. */
export interface Endpoint {
	name: ActionName;
	contract: ActionContract & Required<Pick<ActionContract, "rest">>;
}

/** Every action with an address, below `/api` or outermost. */
export function endpoints(outermost: boolean): Endpoint[] {
	return [...allActions()]
		.map(([name, contract]) => ({ name, contract }) as Endpoint)
		.filter(({ contract }) => contract.rest && Boolean(contract.rest.outermost) === outermost);
}

/** moleculer-web's table from `METHOD /path` to action; whatever answers GET answers HEAD. */
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
