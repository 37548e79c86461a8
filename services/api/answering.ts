import type { IncomingMessage, ServerResponse } from "node:http";
import etag from "etag";
import type { DeclaredAction } from "../../contracts/actions.ts";
import { Body, type Encoding, encodingFor } from "./encodings.ts";
import type { BrowserHeaders } from "./manners.ts";

/** Status and headers of an answer. */
export interface Head {
	status: number;
	/** Names and values in turn. */
	headers: string[];
}

/** An answer that is sent as it is to whoever wants it. */
export interface Answer extends Head {
	/** Nothing where there is no content. */
	body: Body | undefined;
	/** Of what is the same for all. */
	tag: string | undefined;
}

/** Sends an answer in the encoding that the client prefers, or says that the client has it already. */
export function sendAnswer(
	request: IncomingMessage,
	response: ServerResponse,
	{ status, headers, body, tag }: Answer,
	id: string,
	browser: BrowserHeaders,
): Promise<void> | undefined {
	const head = ["X-Request-ID", id, ...browser.headers, ...headers];
	if (tag !== undefined) {
		head.push("ETag", tag);
	}
	const ifNoneMatch = request.headers["if-none-match"];
	const isRead = request.method === "GET" || request.method === "HEAD";
	if (body === undefined || (ifNoneMatch !== undefined && isRead && hasAlready(ifNoneMatch, tag))) {
		response.writeHead(body === undefined ? status : 304, withVary(head, browser.vary.slice(0, -2)));
		response.end();
		return undefined;
	}
	head.push("Content-Type", "application/json; charset=utf-8", "Vary", `${browser.vary}Accept-Encoding`);
	if (request.method === "HEAD") {
		response.writeHead(status, head);
		response.end();
		return undefined;
	}
	const encoding = encodingFor(request.headers["accept-encoding"], body.bytes);
	const bytes = body.in(encoding);
	if (typeof bytes !== "string" && !Buffer.isBuffer(bytes)) {
		return bytes.then((bytes) => sendBody(response, status, head, bytes, encoding));
	}
	sendBody(response, status, head, bytes, encoding, body.bytes);
	return undefined;
}

function sendBody(
	response: ServerResponse,
	status: number,
	head: string[],
	body: string | Buffer,
	encoding: Encoding,
	bytes = body.length,
): void {
	if (encoding !== "identity") {
		head.push("Content-Encoding", encoding);
		bytes = body.length;
	}
	head.push("Content-Length", String(bytes));
	response.writeHead(status, head);
	response.end(body);
}

function withVary(head: string[], vary: string): string[] {
	return vary === "" ? head : [...head, "Vary", vary];
}

/** The entity tag of what is the same for all. Weak: it is the same whatever the compression. */
export function tagOf(text: string): string {
	return etag(text, { weak: true });
}

/** Status and headers of an action's answer that depend on nothing but the action. */
export function headOf({
	contract: { rest, permissions },
	of,
}: DeclaredAction): Head & { isForAll: boolean } {
	const isForAll = rest?.method === "GET" && permissions === "public";
	const headers = ["Cache-Control", isForAll ? "no-cache" : "private, no-store"];
	if (of.deprecated) {
		headers.push("Deprecation", `@${Math.floor(of.deprecated.since.getTime() / 1000)}`);
		headers.push("Sunset", of.deprecated.sunset.toUTCString());
	}
	return { status: rest?.status ?? 200, headers, isForAll };
}

/** Whether a client says that it has this already (RFC 9110, 13.1.2), by the weak comparison. */
function hasAlready(ifNoneMatch: string, tag: string | undefined): boolean {
	const opaque = (one: string) => one.trim().replace(/^W\//, "");
	return (
		ifNoneMatch.trim() === "*" ||
		(tag !== undefined && ifNoneMatch.split(",").map(opaque).includes(opaque(tag)))
	);
}

/**
 * The target of a `Link` to the next page, where this one is full (RFC 8288). By a cursor it stays right while rows come and go.
 *
 * @param params The parameters of the list, as its contract reads them.
 */
export function nextPage(
	target: string,
	rows: number,
	params: { skip?: number; limit?: number } | undefined,
	cursor: string | undefined,
): string | undefined {
	if (params?.skip === undefined || params.limit === undefined || rows < params.limit) {
		return undefined;
	}
	const url = new URL(target, "http://localhost");
	if (cursor === undefined) {
		url.searchParams.set("skip", String(params.skip + params.limit));
	} else {
		url.searchParams.delete("skip");
		url.searchParams.set("cursor", cursor);
	}
	url.searchParams.set("limit", String(params.limit));
	return `${url.pathname}${url.search}`;
}

/** A `Link` to the next page, by the prefix that proxies have taken off the path. */
export function linkTo(next: string, prefix: string): string {
	return `<${prefix}${next}>; rel="next"`;
}

/** Sends JSON that is made for this request, with the headers that the response has already. */
export function sendJson(
	response: ServerResponse,
	status: number,
	value: unknown,
	type = "application/json; charset=utf-8",
): void {
	const { method, headers } = response.req;
	response.statusCode = status;
	response.setHeader("Content-Type", type);
	response.setHeader("Cache-Control", "no-store");
	response.appendHeader("Vary", "Accept-Encoding");
	if (method === "HEAD") {
		response.end();
		return;
	}
	const body = new Body(JSON.stringify(value));
	const encoding = encodingFor(headers["accept-encoding"], body.bytes);
	const bytes = body.in(encoding);
	if (typeof bytes === "string" || Buffer.isBuffer(bytes)) {
		response.setHeader("Content-Length", body.bytes);
		response.end(bytes);
		return;
	}
	bytes.then(
		(bytes) => {
			response.setHeader("Content-Encoding", encoding);
			response.setHeader("Content-Length", bytes.length);
			response.end(bytes);
		},
		() => response.destroy(),
	);
}
