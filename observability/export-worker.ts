import { parentPort, workerData } from "node:worker_threads";
import {
	convertLegacyHttpOptions,
	createOtlpHttpExportDelegate,
} from "@opentelemetry/otlp-exporter-base/node-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import pLimit from "p-limit";
import type { Rejection } from "./otlp/encoding.ts";
import { encodingOf } from "./otlp/protocols.ts";
import type { Attributes, LostSpans } from "./spans.ts";

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
	/** Numbers of spans that the endpoint did not take. */
	lost?: Partial<LostSpans>;
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
/** The response to the request that has just succeeded; undefined if its body could not be read. */
let rejection: Rejection | undefined;
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
		let isLate = false;
		const deadline = setTimeout(() => {
			isLate = true;
			failed(count);
			endings++;
			agent?.destroy();
		}, endpoint.timeoutMillis + GRACE_MS);
		delegate.export(encoding.request(resource, spans), ({ code, error }) => {
			clearTimeout(deadline);
			// A response that was cut off may look like a success.
			if (code === SUCCESS && endings_before === endings) {
				succeeded(count, rejection);
			} else if (!isLate) {
				failed(count, endings_before === endings ? error : undefined);
			}
			rejection = undefined;
			resolve();
		});
	});
}

/** Code of a successful request in OpenTelemetry's SDK (`ExportResultCode`). */
const SUCCESS = 0;

/**
 * Maximum number of good requests in a row after which a line may be repeated. It begins with one and doubles with each line, so that an
 * endpoint that fails now and then costs a few lines.
 */
const SETTLED_MAX = 64;

/** Reports what is wrong with requests by one line for each kind, and again only after so many good requests in a row. */
class Reporter {
	#reported = new Set<string>();
	#good = 0;
	#settled = 1;

	noteGood(): void {
		this.#good++;
	}

	noteBad(kind: string, line: () => string): void {
		if (this.#good >= this.#settled) {
			this.#reported.clear();
		}
		this.#good = 0;
		if (!this.#reported.has(kind)) {
			this.#reported.add(kind);
			this.#settled = Math.min(2 * this.#settled, SETTLED_MAX);
			tell({ warning: line() });
		}
	}
}

const failures = new Reporter();
/** An endpoint that rejects spans works all the same. */
const rejections = new Reporter();

const { origin } = new URL(options.url);

/** @param count Number of spans of the request. */
function succeeded(count: number, { spans, message }: Rejection = { spans: 0, message: "" }): void {
	failures.noteGood();
	tell({ isFailing: false });
	if (Number.isInteger(spans) && spans > 0 && spans <= count) {
		tell({ lost: { rejected: spans } });
		rejections.noteBad("rejected", () => {
			const reason = withoutControls(message.slice(0, MESSAGE_MAX)) || "it gives no reason";
			return `${origin} has rejected ${spans} of the ${count} spans of a request: ${reason}`;
		});
	} else {
		rejections.noteGood();
	}
}

/** Maximum length of a reason in the endpoint's words, in characters. */
const MESSAGE_MAX = 200;

/** Returns a text on one line. */
function withoutControls(text: string): string {
	return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/**
 * @param count Number of spans of the request.
 * @param error Without one, the request took too long.
 */
function failed(count: number, error: { code?: unknown; message?: string } = {}): void {
	const { kind, reason } = failureOf(error);
	failures.noteBad(kind, () => `Traces are not exported to ${origin}: ${reason}`);
	tell({ isFailing: true, lost: { failed: count } });
}

/** A failed request by its kind, of which one line is reported. */
interface Failure {
	kind: "refused" | "away";
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
