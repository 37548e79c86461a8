import { randomUUID } from "node:crypto";
import {
	createServer,
	type IncomingMessage,
	type RequestListener,
	type Server,
	type ServerResponse,
	STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { Language } from "../../contracts/languages.ts";
import { preferredLanguage, problemAnswer } from "./problems.ts";

/** A client has this long for a whole request. */
const REQUEST_MS = 20_000;
const HEAD_BYTES = 16 * 1024;

/** What clients are given before their connections end. */
export interface Patience {
	/** How long nothing may move while a request is served: longer than any call takes, or its answer would not arrive. */
	idle_ms: number;
	/** How long a connection may wait for its first or next request: longer than balancers keep theirs. */
	keep_alive_ms: number;
	/** How long a client may take for the head of a request. */
	head_ms: number;
	/** Connections that are held at the same time; more are closed as they come. */
	connections: number;
}

const PATIENCE = { idle_ms: 30_000, head_ms: 10_000, connections: 10_000 };

/** An HTTP server that waits for nobody for long and tells clients what was wrong with a request it could not read. */
export function createHttpServer(
	handle: RequestListener,
	patience: Pick<Patience, "keep_alive_ms"> & Partial<Patience>,
): Server {
	const { idle_ms, keep_alive_ms, head_ms, connections } = { ...PATIENCE, ...patience };
	const server = createServer(
		{
			keepAliveTimeout: keep_alive_ms,
			headersTimeout: head_ms,
			requestTimeout: REQUEST_MS,
			connectionsCheckingInterval: head_ms / 5,
			maxHeaderSize: HEAD_BYTES,
			// Node's own answer has no body.
			requireHostHeader: false,
		},
		(request, response) => {
			request.socket.setTimeout(idle_ms);
			if (!namesItsHost(request)) {
				refuse(response, "MALFORMED_REQUEST");
				return;
			}
			if (request.httpVersion === "1.0") {
				// Not every answer has a length, and HTTP/1.0 has no chunks.
				response.shouldKeepAlive = false;
			}
			request.url = asPath(request.url ?? "/");
			handle(request, response);
		},
	);
	server.setTimeout(idle_ms);
	server.on("connection", (socket) => socket.setTimeout(keep_alive_ms));
	server.maxConnections = connections;
	server.on("checkExpectation", (_request, response) => refuse(response, "EXPECTATION_FAILED"));
	server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
		if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0) {
			// Opened in advance: an answer now would be taken for that to its first request.
			return;
		}
		if (error.code === "ECONNRESET" || !socket.writable) {
			socket.destroy();
			return;
		}
		socket.end(refusal(PROBLEM_OF[error.code ?? ""] ?? "MALFORMED_REQUEST"));
	});
	return server;
}

/** Exactly once, from HTTP/1.1 on (RFC 9112, 3.2). */
function namesItsHost({ httpVersion, rawHeaders }: IncomingMessage): boolean {
	let hosts = 0;
	for (let place = 0; place < rawHeaders.length; place += 2) {
		const name = rawHeaders[place] as string;
		if (name.length === 4 && name.toLowerCase() === "host") {
			hosts += 1;
		}
	}
	return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}

/**
 * The path of a request's target: a client that takes us for a proxy sends the whole address (RFC 9112, 3.2.2), and
 * proxies that put a prefix before a path may double the slash between them.
 */
function asPath(target: string): string {
	if (target.charCodeAt(0) === SLASH && !target.includes("//")) {
		return target;
	}
	const [path = "", ...query] = target.replace(/^https?:\/\/[^/?#]*/i, "").split("?");
	return [`/${path}`.replace(/\/{2,}/g, "/"), ...query].join("?");
}

const SLASH = "/".charCodeAt(0);

type Unreadable = "MALFORMED_REQUEST" | "HEADERS_TOO_LARGE" | "REQUEST_TOO_SLOW" | "EXPECTATION_FAILED";

/** An answer before anybody has looked at the request; what is left of it is not read. */
function refuse(response: ServerResponse, code: Unreadable): void {
	const [status, headers, body] = problemOf(code, preferredLanguage(response.req.headers["accept-language"]));
	response.writeHead(status, headers);
	response.end(body);
}

function refusal(code: Unreadable): string {
	const [status, headers, body] = problemOf(code, "en");
	return [
		`HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
		...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
		"",
		body,
	].join("\r\n");
}

function problemOf(code: Unreadable, language: Language): [number, Record<string, string>, string] {
	const answer = problemAnswer({ code, data: {} }, randomUUID(), language);
	const body = JSON.stringify(answer);
	const headers = {
		"Content-Type": "application/problem+json; charset=utf-8",
		"Content-Language": language,
		Vary: "Accept-Language",
		"X-Request-ID": answer.instance,
		"Cache-Control": "no-store",
		"Content-Length": String(Buffer.byteLength(body)),
		Connection: "close",
	};
	return [answer.status, headers, body];
}

const PROBLEM_OF: Record<string, Unreadable> = {
	HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
	ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TOO_SLOW",
};
