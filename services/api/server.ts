import { randomUUID } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { problemAnswer } from "./problems.ts";

/** A client has this long for the head of a request, and this long for all of it. */
const HEAD_MS = 10_000;
const REQUEST_MS = 20_000;
const CHECK_EVERY_MS = 2000;
const HEAD_BYTES = 16 * 1024;

/** An HTTP server that waits for nobody for long and tells clients what was wrong with a request it could not read. */
export function createHttpServer(handle: RequestListener): Server {
	const server = createServer(
		{
			headersTimeout: HEAD_MS,
			requestTimeout: REQUEST_MS,
			connectionsCheckingInterval: CHECK_EVERY_MS,
			maxHeaderSize: HEAD_BYTES,
		},
		handle,
	);
	server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
		if (error.code === "ECONNRESET" || !socket.writable) {
			socket.destroy();
			return;
		}
		socket.end(refusal(error.code));
	});
	return server;
}

function refusal(code: string | undefined): string {
	const answer = problemAnswer(
		{ code: PROBLEM_OF[code ?? ""] ?? "MALFORMED_REQUEST", data: {} },
		randomUUID(),
		"en",
	);
	const body = JSON.stringify(answer);
	return [
		`HTTP/1.1 ${answer.status} ${answer.title}`,
		"Content-Type: application/problem+json; charset=utf-8",
		`Content-Length: ${Buffer.byteLength(body)}`,
		"Connection: close",
		"",
		body,
	].join("\r\n");
}

const PROBLEM_OF: Record<string, "HEADERS_TOO_LARGE" | "REQUEST_TOO_SLOW"> = {
	HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
	ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TOO_SLOW",
};
