import type { ActionContext } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";

type Call = Pick<ActionContext, "locals">;

/** The user whose rows are accessible, or all users. */
export type Owner = number | "anybody";

/**
 * Returns the id of the calling user.
 *
 * @throws FORBIDDEN for a call by a service.
 */
export function userOf({ locals: { caller } }: Call): number {
	if (caller?.id == null) {
		throw problem("FORBIDDEN");
	}
	return caller.id;
}

/** Returns the owner whose rows the caller may see: all for an admin or a service, their own for a user. */
export function ownerOf(call: Call): Owner {
	const { role } = call.locals.caller ?? {};
	return role === "admin" || role === "service" ? "anybody" : userOf(call);
}

/** Returns the caller's name in a history: `user:7`, `admin:1`, or `shop` for a service. */
export function actorOf({ locals: { caller } }: Call): string {
	return caller?.id == null ? "shop" : `${caller.role}:${caller.id}`;
}
