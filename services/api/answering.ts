import type { IncomingMessage, ServerResponse } from "node:http";
import etag from "etag";
import fresh from "fresh";
import type { DeclaredAction } from "../../contracts/actions.ts";
import { type ActionContract, isForAll, type Page, rowsOf } from "../../contracts/contract.ts";
import { Body, encodingFor } from "./encodings.ts";
import type { BrowserHeaders } from "./response-middlewares.ts";

/** Status and headers of a response. */
export interface Head {
	status: number;
	/** Alternating names and values. */
	headers: string[];
}

/** A response that does not depend on the client. */
export interface Answer extends Head {
	/** Undefined if there is no content. */
	body: Body | undefined;
	/** Entity tag of a response that is the same for all clients. */
	tag: string | undefined;
}

/** Sends a response in the client's preferred encoding, or 304 if the client has it already. */
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
	const isRead = request.method === "GET" || request.method === "HEAD";
	if (body === undefined || (isRead && isKnown(request.headers["if-none-match"], tag))) {
		response.writeHead(body === undefined ? status : 304, withVary(head, browser.vary.slice(0, -2)));
		response.end();
		return undefined;
	}
	head.push("Content-Type", "application/json; charset=utf-8", "Vary", `${browser.vary}Accept-Encoding`);
	return sendBody(response, status, head, body);
}

/** Sends JSON made for this request, in addition to the headers that the response has already. */
export function sendJson(
	response: ServerResponse,
	status: number,
	value: unknown,
	type = "application/json; charset=utf-8",
): void {
	const vary = [response.getHeader("Vary") ?? [], "Accept-Encoding"].flat().join(", ");
	const head = ["Content-Type", type, "Cache-Control", "no-store", "Vary", vary];
	sendBody(response, status, head, new Body(JSON.stringify(value)))?.catch(() => response.destroy());
}

/** Sends a body in the client's preferred encoding, with its length. */
export function sendBody(
	response: ServerResponse,
	status: number,
	head: string[],
	body: Body,
): Promise<void> | undefined {
	const { method, headers } = response.req;
	if (method === "HEAD") {
		response.writeHead(status, head).end();
		return undefined;
	}
	const encoding = encodingFor(headers["accept-encoding"], body.bytes);
	const send = (bytes: string | Buffer) => {
		if (encoding !== "identity") {
			head.push("Content-Encoding", encoding);
		}
		head.push("Content-Length", String(encoding === "identity" ? body.bytes : bytes.length));
		response.writeHead(status, head).end(bytes);
	};
	const bytes = body.in(encoding);
	if (typeof bytes !== "string" && !Buffer.isBuffer(bytes)) {
		return bytes.then(send);
	}
	send(bytes);
	return undefined;
}

/**
 * Tells whether the client has the response with this tag already. Other headers do not matter: to `If-None-Match`, `fetch`
 * of Node.js adds a `Cache-Control: no-cache`.
 */
function isKnown(ifNoneMatch: string | undefined, tag: string | undefined): boolean {
	return ifNoneMatch !== undefined && fresh({ "if-none-match": ifNoneMatch }, { etag: tag });
}

function withVary(head: string[], vary: string): string[] {
	return vary === "" ? head : [...head, "Vary", vary];
}

/** Returns the entity tag of a text. It is weak, because it is the same for all encodings. */
export function tagOf(text: string): string {
	return etag(text, { weak: true });
}

/** Returns the status and headers of an action's response that depend only on the action. */
export function headOf({ contract, of }: DeclaredAction): Head & { isForAll: boolean } {
	const isSame = isForAll(contract);
	const headers = ["Cache-Control", isSame ? "no-cache" : "private, no-store"];
	if (of.deprecated) {
		headers.push("Deprecation", `@${Math.floor(of.deprecated.since.getTime() / 1000)}`);
		headers.push("Sunset", of.deprecated.sunset.toUTCString());
	}
	return { status: contract.rest?.status ?? 200, headers, isForAll: isSame };
}

/** Returns the response to a call with this content, and this status if not that of the contract. */
export function answerOf(declared: DeclaredAction, content: unknown, status?: number): Answer {
	const head = headOf(declared);
	const text = content === null || content === undefined ? undefined : JSON.stringify(content);
	return {
		status: status ?? head.status,
		headers: head.headers,
		body: text === undefined ? undefined : new Body(text),
		tag: text !== undefined && head.isForAll ? tagOf(text) : undefined,
	};
}

/** Returns the content of the response to a call, and of a page the cursor of the next one. */
export function contentOf(
	contract: ActionContract,
	result: unknown,
): { content: unknown; cursor?: string | null } {
	// Services of the previous version return the rows of a page alone.
	if (rowsOf(contract) === undefined || Array.isArray(result)) {
		return { content: result };
	}
	const { items, next } = result as Page;
	return { content: items, cursor: next };
}

/**
 * Returns the target of a `Link` to the next page of a list, if this one is full (RFC 8288). A cursor remains correct
 * when rows are added or removed; a list without cursors is read on by the number of rows to skip.
 *
 * @param paramsOf Returns the list's parameters, as parsed by its contract.
 */
export function nextPage(
	target: string,
	content: unknown,
	cursor: string | null | undefined,
	paramsOf: () => { skip?: number; limit?: number } | undefined,
): string | undefined {
	if (!Array.isArray(content)) {
		return undefined;
	}
	const params = paramsOf();
	if (params?.skip === undefined || params.limit === undefined) {
		return undefined;
	}
	// A page with a cursor of the next one may have fewer rows.
	if (typeof cursor !== "string" && content.length < params.limit) {
		return undefined;
	}
	const url = new URL(target, "http://localhost");
	if (typeof cursor !== "string") {
		url.searchParams.set("skip", String(params.skip + params.limit));
	} else {
		url.searchParams.delete("skip");
		url.searchParams.set("cursor", cursor);
	}
	url.searchParams.set("limit", String(params.limit));
	return `${url.pathname}${url.search}`;
}

/** Returns a `Link` to the next page, including the prefix that proxies have removed from the path. */
export function linkTo(next: string, prefix: string): string {
	return `<${prefix}${next}>; rel="next"`;
}
