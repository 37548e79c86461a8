import type { Alias, Route } from "moleculer-web";
import { actionContract } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import type { Gateway, Request } from "./gateway.ts";
import { readKey } from "./idempotency-key.ts";
import { parameterReader } from "./requests.ts";
import { endpoints } from "./routes.ts";

const readers = new Map(
	[...endpoints(false), ...endpoints(true)].map(({ name, contract }) => [
		name as string,
		parameterReader(contract),
	]),
);

/** Takes a call's parameters, token, trace and client from a request to an action. */
export async function readRequest(
	this: Gateway,
	ctx: Request["$ctx"],
	_route: Route,
	request: Request,
	_res: unknown,
	alias: Alias,
) {
	if (alias.path.includes(":")) {
		refuseNames.call(this, request);
	}
	const action = (alias as { action?: string | null }).action;
	const read = action ? readers.get(action) : undefined;
	if (!read) {
		return;
	}
	const isPublic = actionContract(action as string)?.permissions === "public";
	// The node that runs the action would say so too, before it looks at anything else.
	if (!isPublic && request.headers.authorization === undefined) {
		throw problem("UNAUTHENTICATED");
	}
	const { body, query, params } = request.$params as { body: unknown; query: object; params?: object };
	request.$params = read({
		body,
		raw: request.raw,
		query: query as Record<string, unknown>,
		path: (params ?? {}) as Record<string, string>,
		headers: request.headers,
	});
	if (ctx) {
		ctx.meta.client = this.clientOf(request);
		ctx.meta.idempotency = readKey(action as string, request.headers);
		const { traceparent } = request.headers;
		if (
			typeof traceparent === "string" &&
			/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)
		) {
			ctx.meta.traceparent = traceparent;
		}
	}
	const token = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? "")?.[1];
	if (token && ctx) {
		ctx.meta.token = token;
	} else if (!isPublic) {
		throw problem("TOKEN_INVALID");
	}
}

/** `DELETE /users/me` is not about a user whose id is `me`. */
function refuseNames(this: Gateway, request: Request): void {
	if (!this.methodsAt(request.parsedUrl ?? "").includes(request.method ?? "")) {
		throw problem("METHOD_NOT_ALLOWED");
	}
}
