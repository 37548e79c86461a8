import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { settings } from "../config/settings.ts";
import { exposition } from "./exposition.ts";
import { isMeasured, measureProcess } from "./registry.ts";

/** Connections that wait to be accepted: more than Node's 511, so that none is delayed while the process is busy. */
export const BACKLOG = 4096;

/**
 * Serves `GET /metrics` of this process on a port of its own (`METRICS_PORT`), or on a free one if another process has that
 * port. Does nothing with `METRICS_PORT=off`.
 *
 * @param warn Receives a line if the port is in use, or no port can be had.
 * @returns The port; undefined if nothing is served.
 */
export async function serveMetrics(warn: (line: string) => void): Promise<number | undefined> {
	const { metricsPort } = settings;
	if (!isMeasured || metricsPort === undefined) {
		return undefined;
	}
	measureProcess();
	try {
		return await listen(metricsPort);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (metricsPort === 0 || code !== "EADDRINUSE") {
			warn(
				`no metrics: cannot listen on ${settings.host}:${metricsPort} (${code}): choose another METRICS_PORT`,
			);
			return undefined;
		}
	}
	const port = await listen(0).catch(() => undefined);
	warn(`METRICS_PORT ${metricsPort} is in use: the metrics of this process are on port ${port}`);
	return port;
}

async function listen(port: number): Promise<number> {
	const server = createServer((request, response) => {
		request.resume();
		if (request.method !== "GET" && request.method !== "HEAD") {
			response.writeHead(405, { allow: "GET, HEAD" }).end();
			return;
		}
		if (request.url?.split("?", 1)[0] !== "/metrics") {
			response.writeHead(404, { "content-type": "text/plain" }).end("The metrics are at /metrics.\n");
			return;
		}
		void sendMetrics(response);
	});
	// The server must not prevent the process from exiting.
	server.unref();
	await opened(server, port);
	return (server.address() as AddressInfo).port;
}

function opened(server: Server, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen({ port, host: settings.host, backlog: BACKLOG }, resolve);
	});
}

/** Sends the metrics of this process, in the format that the request prefers; status 500 if they cannot be read. */
export async function sendMetrics(response: ServerResponse): Promise<void> {
	const found = await exposition(response.req.headers.accept).catch((error: Error) => error);
	if (found instanceof Error) {
		response.writeHead(500, { "content-type": "text/plain" }).end(`${found.message}\n`);
		return;
	}
	const { type, text } = found;
	response.setHeader("content-type", type);
	// Without compression, whose steps wait for the event loop: in a busy process they would take longer than all the rest.
	response.setHeader("cache-control", "no-store, no-transform");
	response.setHeader("content-length", Buffer.byteLength(text));
	response.end(response.req.method === "HEAD" ? undefined : text);
}
