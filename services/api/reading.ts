import type { IncomingHttpHeaders } from "node:http";
import { allActions, type Meta } from "../../contracts/actions.ts";
import type { ActionContract } from "../../contracts/contract.ts";
import { problem } from "../../contracts/problems.ts";
import type { WithBody } from "./body.ts";
import { readKey } from "./idempotency-key.ts";
import { parameterReader } from "./requests.ts";
import { endpoints } from "./routes.ts";

const readers = new Map(
	[...endpoints(false), ...endpoints(true)].map(({ name, contract }) => [
		name as string,
		parameterReader(contract),
	]),
);

/** Parameters and metadata of a call, from a request. */
export interface CallOfRequest {
	params: Record<string, unknown>;
	meta: Meta;
}

/**
 * Reads the parameters and the token of a call from a request.
 *
 * @throws UNAUTHENTICATED, TOKEN_INVALID, VALIDATION_FAILED
 */
export function readRequest(
	action: string,
	request: WithBody,
	parts: { query: Record<string, unknown>; path: Record<string, string> },
): CallOfRequest {
	const { headers } = request;
	const { contract } = allActions().get(action) as { contract: ActionContract };
	const isPublic = contract.permissions === "public";
	// The node that runs the action would respond the same, before any other check.
	if (!isPublic && headers.authorization === undefined) {
		throw problem("UNAUTHENTICATED");
	}
	const read = readers.get(action) as ReturnType<typeof parameterReader>;
	const params = read({ body: request.body, raw: request.raw, headers, ...parts });
	const meta: Meta = {};
	const idempotency = readKey(action, headers);
	if (idempotency) {
		meta.idempotency = idempotency;
	}
	const token = headers.authorization === undefined ? undefined : tokenOf(headers);
	if (token !== undefined) {
		meta.token = token;
	} else if (!isPublic) {
		throw problem("TOKEN_INVALID");
	}
	return { params, meta };
}

/** Returns the access token of a request: three parts in base64url. */
export function tokenOf({ authorization }: IncomingHttpHeaders): string | undefined {
	return /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? "")?.[1];
}
