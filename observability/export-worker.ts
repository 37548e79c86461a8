import { parentPort, workerData } from "node:worker_threads";
import {
	convertLegacyHttpOptions,
	createOtlpHttpExportDelegate,
} from "@opentelemetry/otlp-exporter-base/node-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import pLimit from "p-limit";
import type { Rejection } from "./otlp/encoding.ts";
import { encodingOf } from "./otlp/protocols.ts";
import type { Attributes } from "./spans.ts";

// The thread that sends the spans of a process: the only module that loads OpenTelemetry's packages, which the process itself goes
// without. They know the variables of an endpoint, its headers and certificates, and when a request is repeated.

/** Settings of the thread, as its `workerData`. Others are read by OpenTelemetry's packages from its environment. */
export interface WorkerOptions {
	url: string;
	/** `http/protobuf` or `http/json`. */
	protocol: string;
	/** Attributes of the process. Those of `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. */
	resource: Record<string, string>;
}

/** Spans to be sent in a request. */
export interface Batch {
	/** The spans in the encoding of the protocol. */
	spans: Uint8Array<ArrayBuffer>;
	/** Number of the spans. */
	count: number;
}

/** A message to the thread: spans, or the end, after which it sends what is left and exits. */
export type ToWorker = Batch | { isStopping: true };

/** A message of the thread. */
export interface FromWorker {
	/** Number of spans that do not wait any more. */
	sent?: number;
	/** True if the endpoint did not take the last request. */
	isFailing?: boolean;
	/** A line for the operator. */
	warning?: string;
}

/** Maximum number of requests at once. OpenTelemetry's code drops what would be its 31st. */
const REQUESTS_MAX = 8;
/**
 * Time that a request may take beyond its limit. OpenTelemetry's limit begins when there is a connection, and anew with each part of the
 * response.
 */
const GRACE_MS = 1000;

const options = workerData as WorkerOptions;
const port = parentPort as NonNullable<typeof parentPort>;
const encoding = encodingOf(options.protocol);
const resource = resourceFromAttributes(options.resource).merge(detectResources({ detectors: [envDetector] }))
	.attributes as Attributes;
const endpoint = convertLegacyHttpOptions({ url: options.url }, "TRACES", "v1/traces", {
	"Content-Type": encoding.contentType,
});
/** Ends all requests when it is destroyed, and can be used again. */
let agent: { destroy(): void } | undefined;
/** How often all requests were ended, since one was late. */
let endings = 0;
const delegate = createOtlpHttpExportDelegate(
	{
		...endpoint,
		async agentFactory(protocol) {
			const created = await endpoint.agentFactory(protocol);
			agent = created;
			return created;
		},
	},
	{
		serializeRequest: (body: Uint8Array) => body,
		deserializeResponse: (body) => {
			rejection = encoding.rejection(body);
		},
	},
	"otlp_http_span_exporter",
	{ name: "span", countItems: () => 1 },
	undefined,
);
/** What the response says that has just succeeded; undefined if it says nothing. */
let rejection: Rejection | undefined;
const limit = pLimit(REQUESTS_MAX);
const requests = new Set<Promise<void>>();

port.on("message", async (message: ToWorker) => {
	if ("spans" in message) {
		const request = limit(() => send(message));
		requests.add(request);
		await request;
		requests.delete(request);
	} else {
		await Promise.all(requests);
		port.close();
		process.exit();
	}
});

function tell(message: FromWorker): void {
	port.postMessage(message);
}

/** Sends spans. Those of a request that fails are lost. */
function send({ spans, count }: Batch): Promise<void> {
	tell({ sent: count });
	return new Promise((resolve) => {
		const endings_before = endings;
		const deadline = setTimeout(() => {
			failed({});
			endings++;
			agent?.destroy();
		}, endpoint.timeoutMillis + GRACE_MS);
		delegate.export(encoding.request(resource, spans), ({ code, error }) => {
			clearTimeout(deadline);
			// A response that was cut off may look like a success.
			if (endings_before === endings) {
				if (code !== SUCCESS) {
					failed(error ?? {});
				} else if (rejection && rejection.spans > 0) {
					rejected(rejection);
				} else {
					succeeded();
				}
			}
			rejection = undefined;
			resolve();
		});
	});
}

/** Code of a successful request in OpenTelemetry's SDK (`ExportResultCode`). */
const SUCCESS = 0;

/**
 * Maximum number of successful requests in a row after which the endpoint counts as working again. It begins with one and doubles with
 * each line, so that an endpoint that fails now and then costs a few lines.
 */
const SETTLED_MAX = 64;

const reported = new Set<Failure["kind"]>();
let successes = 0;
let settled = 1;

function succeeded(): void {
	successes++;
	tell({ isFailing: false });
}

function failed(error: { code?: unknown; message?: string }): void {
	const { kind, reason } = failureOf(error);
	report(kind, `Traces are not exported to ${new URL(options.url).origin}: ${reason}`);
	tell({ isFailing: true });
}

function rejected({ spans, message }: Rejection): void {
	const reason = message.replace(/\p{C}+/gu, " ").slice(0, MESSAGE_MAX).trim();
	report(
		"rejected",
		`${new URL(options.url).origin} took a request of traces without ${spans} of its spans: ${reason || "it does not say why"}`,
	);
	tell({ isFailing: false });
}

/**
 * Reports one line for each kind of failure when the endpoint begins to fail, so that one which fails in changing ways is reported
 * once.
 */
function report(kind: Failure["kind"], warning: string): void {
	if (successes >= settled) {
		reported.clear();
	}
	successes = 0;
	if (!reported.has(kind)) {
		reported.add(kind);
		settled = Math.min(2 * settled, SETTLED_MAX);
		tell({ warning });
	}
}

/** Maximum length of a reason in the endpoint's words, in characters. */
const MESSAGE_MAX = 200;

/** A failed request by its kind, of which one line is reported. */
interface Failure {
	kind: "refused" | "away" | "rejected";
	reason: string;
}

function failureOf({ code, message }: { code?: unknown; message?: string }): Failure {
	if (typeof code === "number" && code < 500 && code !== 429) {
		const reason = `it refuses them (HTTP ${code}): check the path, and OTEL_EXPORTER_OTLP_HEADERS`;
		return { kind: "refused", reason };
	}
	const what = typeof code === "number" ? `it answers HTTP ${code}` : causeOf(code, message);
	return { kind: "away", reason: `${what}; the shop goes on without` };
}

function causeOf(code: unknown, message = ""): string {
	if (typeof code === "string") {
		return `it cannot be reached (${code})`;
	}
	// OpenTelemetry's code does not tell which status it has repeated a request for.
	return message.includes("retryable status")
		? "it is overloaded or away (HTTP 429, 502, 503 or 504)"
		: "it does not take them in time";
}
