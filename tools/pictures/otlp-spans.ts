import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A span that arrived by OTLP in JSON. */
export interface Span {
	/** `service.name` of its process. */
	service: string;
	traceId: string;
	spanId: string;
	parentSpanId?: string;
	name: string;
	/** Number of the kind in OTLP. */
	kind: number;
	startTimeUnixNano: string;
	endTimeUnixNano: string;
}

interface Attribute {
	key: string;
	value: { stringValue?: string };
}

interface Body {
	resourceSpans: {
		resource: { attributes: Attribute[] };
		scopeSpans: { spans: Omit<Span, "service">[] }[];
	}[];
}

/** Starts a server that collects spans by OTLP over HTTP, on a free port of this machine. */
export async function collectSpans(): Promise<{ url: string; spans: Span[]; close(): void }> {
	const spans: Span[] = [];
	const server = createServer(async (request, response) => {
		const { resourceSpans } = (await json(request)) as Body;
		for (const { resource, scopeSpans } of resourceSpans) {
			const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
			spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service }))));
		}
		response.writeHead(200, { "content-type": "application/json" }).end("{}");
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		spans,
		close: () => server.close().closeAllConnections(),
	};
}
