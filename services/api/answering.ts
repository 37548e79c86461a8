import type { ServerResponse } from "node:http";
import etag from "etag";
import type { Route } from "moleculer-web";
import { actionContract, allActions } from "../../contracts/actions.ts";
import type { Gateway, Request } from "./gateway.ts";

/** Sets the status and headers of an action's answer. */
export function prepareAnswer(
	this: Gateway,
	ctx: Request["$ctx"],
	_route: Route,
	request: Request,
	response: ServerResponse,
	data: unknown,
) {
	const name = (request.$alias as { action?: string }).action ?? "";
	const { contract: { rest, permissions } = {}, of } = allActions().get(name) ?? {};
	const isForAll = rest?.method === "GET" && permissions === "public";
	response.statusCode = rest?.status ?? 200;
	response.setHeader("Cache-Control", isForAll ? "no-cache" : "private, no-store");
	if (of?.deprecated) {
		response.setHeader("Deprecation", `@${Math.floor(of.deprecated.since.getTime() / 1000)}`);
		response.setHeader("Sunset", of.deprecated.sunset.toUTCString());
	}
	if (isForAll) {
		// Weak: it is the same whatever the compression.
		const tag = etag(JSON.stringify(data), { weak: true });
		response.setHeader("ETag", tag);
		if (hasAlready(request.headers["if-none-match"], tag)) {
			response.statusCode = 304;
		}
	}
	if (ctx?.meta.$location !== undefined) {
		ctx.meta.$location = `${this.publicAddress(request).prefix}${ctx.meta.$location}`;
	}
	if (ctx?.meta.$age_s !== undefined) {
		response.setHeader("Age", String(ctx.meta.$age_s));
	}
	if (Array.isArray(data)) {
		const { prefix } = this.publicAddress(request);
		linkNextPage(request, response, { prefix, rows: data.length, cursor: ctx?.meta.$next });
	}
	return data;
}

/** Whether a client says that it has this already (RFC 9110, 13.1.2), by the weak comparison. */
function hasAlready(ifNoneMatch: string | undefined, tag: string): boolean {
	const opaque = (one: string) => one.trim().replace(/^W\//, "");
	return ifNoneMatch?.trim() === "*" || (ifNoneMatch?.split(",") ?? []).map(opaque).includes(opaque(tag));
}

/** `Link` to the next page, where this one is full (RFC 8288). By a cursor it stays right while rows come and go. */
function linkNextPage(
	request: Request,
	response: ServerResponse,
	{ prefix, rows, cursor }: { prefix: string; rows: number; cursor: string | undefined },
): void {
	const contract = actionContract((request.$alias as { action?: string }).action ?? "");
	const page = contract?.params.safeParse(request.$params).data as
		| { skip?: number; limit?: number }
		| undefined;
	if (page?.skip === undefined || page.limit === undefined || rows < page.limit) {
		return;
	}
	const url = new URL(request.originalUrl ?? "/", "http://localhost");
	if (cursor === undefined) {
		url.searchParams.set("skip", String(page.skip + page.limit));
	} else {
		url.searchParams.delete("skip");
		url.searchParams.set("cursor", cursor);
	}
	url.searchParams.set("limit", String(page.limit));
	response.setHeader("Link", `<${prefix}${url.pathname}${url.search}>; rel="next"`);
}
