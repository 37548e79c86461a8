import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A span as it arrived by OTLP in JSON. */
export interface ReceivedSpan {
	/** `service.name` of its process. */
	service: string;
	traceId: string;
	spanId: string;
	parentSpanId?: string;
	name: string;
	/** Index into `KINDS`. */
	kind: number;
	attributes: { key: string; value: Record<string, unknown> }[];
	links: { traceId: string; spanId: string }[];
	status: { code?: number };
}

/** A server that takes traces by OTLP over HTTP in JSON. */
export interface OtlpReceiver {
	/** Value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
	url: string;
	spans: ReceivedSpan[];
	close(): Promise<void>;
}

interface Body {
	resourceSpans: {
		resource: { attributes: ReceivedSpan["attributes"] };
		scopeSpans: { spans: Omit<ReceivedSpan, "service">[] }[];
	}[];
}

/** Starts a receiver on a free loopback port. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
	const spans: ReceivedSpan[] = [];
	const server = createServer(async (request, response) => {
		const body = (await json(request)) as Body;
		for (const { resource, scopeSpans } of request.url === "/v1/traces" ? body.resourceSpans : []) {
			const service = String(
				resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue,
			);
			spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service }))));
		}
		response.writeHead(200, { "content-type": "application/json" }).end("{}");
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		spans,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

/**
 * Refreshes of a process's own knowledge, which happen by its age in whichever request comes then, and the set-up of a connection
 * to PostgreSQL when a pool has none to spare.
 */
const BY_CHANCE = ["v1.users.jwks", "v1.users.revocations", "SET toko_users"];

function labelOf({ service, kind, name }: ReceivedSpan): string {
	return `${service}:${KINDS[kind]}:${name}`;
}

/**
 * Returns the edges `parent > child` of a trace, sorted. A missing parent is `ORPHAN`, none is `ROOT`.
 *
 * @param outside Ids of spans that the test itself has, as a client.
 */
export function edgesOf(all: readonly ReceivedSpan[], trace_id: string, outside: string[] = []): string[] {
	const spans = all.filter(({ traceId }) => traceId === trace_id);
	const byId = new Map(spans.map((span) => [span.spanId, span]));
	const isByChance = (span: ReceivedSpan | undefined): boolean =>
		span !== undefined && (BY_CHANCE.includes(span.name) || isByChance(byId.get(span.parentSpanId ?? "")));
	return spans
		.filter((span) => !isByChance(span))
		.map((span) => {
			const { parentSpanId = "" } = span;
			const parent = byId.get(parentSpanId);
			const above = outside.includes(parentSpanId) ? "client" : parentSpanId === "" ? "ROOT" : "ORPHAN";
			return `${parent ? labelOf(parent) : above} > ${labelOf(span)}`;
		})
		.sort();
}
