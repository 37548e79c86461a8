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
import { BACKLOG } from "../../observability/server.ts";
import { preferredLanguage, problemAnswer } from "./problems.ts";

/** Time limit for a client to send a whole request. */
const REQUEST_MS = 20_000;
const HEAD_BYTES = 16 * 1024;

/** Timeouts and limits of connections. */
export interface Patience {
	/** Idle timeout while a request is served: longer than any call, so that its response can arrive. */
	idle_ms: number;
	/** Idle timeout before the first or next request: longer than that of load balancers. */
	keep_alive_ms: number;
	/** Time limit for a client to send the head of a request. */
	head_ms: number;
	/** Maximum number of open connections; further ones are closed at once. */
	connections: number;
}

const PATIENCE = { idle_ms: 30_000, head_ms: 10_000, connections: 10_000 };

/** Creates an HTTP server with short timeouts that responds with an error to malformed requests. */
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
			// Node's own response has no body.
			requireHostHeader: false,
		},
		(request, response) => {
			request.socket.setTimeout(idle_ms);
			if (!namesItsHost(request)) {
				refuse(response, "MALFORMED_REQUEST");
				return;
			}
			if (request.httpVersion === "1.0") {
				// Not every response has a length, and HTTP/1.0 has no chunks.
				response.shouldKeepAlive = false;
			}
			request.url = asPath(request.url ?? "/");
			handle(request, response);
		},
	);
	server.setTimeout(idle_ms);
	server.on("connection", (socket) => socket.setTimeout(keep_alive_ms));
	server.maxConnections = connections;
	const listen = server.listen.bind(server);
	// moleculer-web cannot set the backlog.
	server.listen = ((port: number, host: string, done?: () => void) =>
		listen({ port, host, backlog: BACKLOG }, done)) as Server["listen"];
	server.on("checkExpectation", (_request, response) => refuse(response, "EXPECTATION_FAILED"));
	server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
		if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0) {
			// Opened in advance: a response now would be taken for the response to its first request.
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

/** Tells whether there is exactly one Host header, as required from HTTP/1.1 on (RFC 9112, 3.2). */
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
 * Returns the path of a request's target. A client that treats the gateway as a proxy sends an absolute URL (RFC 9112,
 * 3.2.2), and proxies that add a prefix may double the slash after it.
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

/** Sends an error before the request is processed; the rest of the request is not read. */
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
