import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "@jest/globals";
import { activeRequest } from "../../observability/log-context.ts";
import { inSpan, startTracing, stopTracing } from "../../observability/tracing.ts";
import { setVariables } from "../variables.ts";

// Endpoints of traces that tests start, and the export to them, which ends with each test.

/** Endpoints of the current test. */
export const servers: Server[] = [];
/** Lines for the operator. */
export const lines: string[] = [];
/** Requests that the lines belong to. */
export const requests: (string | undefined)[] = [];

afterEach(async () => {
	await stopTracing(1);
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
	lines.length = 0;
	requests.length = 0;
	setVariables({
		OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
		OTEL_EXPORTER_OTLP_PROTOCOL: undefined,
		OTEL_EXPORTER_OTLP_TIMEOUT: undefined,
		OTEL_EXPORTER_OTLP_COMPRESSION: undefined,
		OTEL_BSP_SCHEDULE_DELAY: undefined,
		OTEL_BSP_MAX_QUEUE_SIZE: undefined,
		OTEL_BSP_MAX_EXPORT_BATCH_SIZE: undefined,
	});
});

/** Starts an endpoint on a free loopback port; returns its address. */
export async function endpoint(answer: RequestListener): Promise<string> {
	const server = createServer(answer);
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts to export to an endpoint, in batches of a few spans. */
export async function exportTo(url: string, protocol = "http/json"): Promise<void> {
	setVariables({
		OTEL_EXPORTER_OTLP_ENDPOINT: url,
		OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
		OTEL_BSP_SCHEDULE_DELAY: "1",
		OTEL_BSP_MAX_QUEUE_SIZE: "100",
	});
	await startTracing("test", (line) => {
		lines.push(line);
		requests.push(activeRequest());
	});
}

/** A trace of one span. */
export const trace = () => inSpan(undefined, { name: "work", kind: "internal" }, async () => "done");
