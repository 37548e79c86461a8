import { parentPort, workerData } from "node:worker_threads";
import {
	type SpanContext as OpenTelemetryContext,
	SpanKind,
	SpanStatusCode,
	TraceFlags,
} from "@opentelemetry/api";
import {
	detectResources,
	envDetector,
	type Resource,
	resourceFromAttributes,
} from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import pLimit from "p-limit";
import type { Attributes, SpanContext } from "./spans.ts";

// The thread that exports the spans of a process: the only module that loads OpenTelemetry's packages, which the process itself
// goes without. Spans are recorded by spans.ts, since most of them are never exported; here the exported ones get the form of
// OpenTelemetry's SDK, which batches and sends them.

/** Settings of the thread, as its `workerData`. Others are read by OpenTelemetry's packages from its environment. */
export interface WorkerOptions {
	url: string;
	/** `http/protobuf` or `http/json`. */
	protocol: string;
	/** Maximum time in ms that a span waits to be exported. */
	delay_ms: number;
	/** Number of spans that may wait. */
	queue: number;
	/** Attributes of the process. Those of `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. */
	resource: Record<string, string>;
}

/** Exported parts of a span. */
export interface SpanRecord extends Omit<SpanContext, "isSampled"> {
	name: string;
	kind: keyof typeof KINDS;
	/** Undefined for the first span of a trace. */
	parent_id: string | undefined;
	isParentSampled: boolean | undefined;
	/** Milliseconds since 1970. */
	begun_ms: number;
	ended_ms: number;
	attributes: Attributes;
	links: SpanContext[];
	hasFailed: boolean;
}

/** A message to the thread: spans as the JSON of `SpanRecord[]`, or the end, after which it exports what is left and exits. */
export type ToWorker = { spans: string } | { isStopping: true };

/** A message of the thread. */
export interface FromWorker {
	/** Number of spans that do not wait any more. */
	sent?: number;
	/** True if the endpoint did not take the last export. */
	isFailing?: boolean;
	/** A line for the operator. */
	warning?: string;
}

const KINDS = {
	internal: SpanKind.INTERNAL,
	server: SpanKind.SERVER,
	client: SpanKind.CLIENT,
	producer: SpanKind.PRODUCER,
	consumer: SpanKind.CONSUMER,
};

/** Maximum number of spans in a request to the endpoint. */
const BATCH_SPANS = 512;
/**
 * Maximum number of requests at once. At the end, the processor exports all that waits, and OpenTelemetry's exporter drops what would
 * be its 31st request.
 */
const REQUESTS_MAX = 8;
/** Maximum share of the time of a core that writing spans takes; further traces are dropped. */
const EXPORT_SHARE = 0.15;

const options = workerData as WorkerOptions;
const port = parentPort as NonNullable<typeof parentPort>;
let isStopping = false;

const exporter = counted(limited(restrained(quiet(await otlpExporter()))));
const processor = new BatchSpanProcessor({
	exporter,
	scheduledDelayMillis: options.delay_ms,
	maxQueueSize: options.queue,
	maxExportBatchSize: Math.min(BATCH_SPANS, options.queue),
});
const resource = resourceFromAttributes(options.resource).merge(
	detectResources({ detectors: [envDetector] }),
);

port.on("message", async (message: ToWorker) => {
	if ("spans" in message) {
		for (const span of JSON.parse(message.spans) as SpanRecord[]) {
			processor.onEnd(exportedSpan(span, resource));
		}
	} else {
		isStopping = true;
		await processor.forceFlush().catch(() => undefined);
		// The processor does not wait for a batch that is being sent.
		await exporter.forceFlush?.().catch(() => undefined);
		port.close();
		process.exit();
	}
});

function tell(message: FromWorker): void {
	port.postMessage(message);
}

async function otlpExporter(): Promise<SpanExporter> {
	const { url } = options;
	if (options.protocol === "http/json") {
		const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
		return new OTLPTraceExporter({ url });
	}
	const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
	return new OTLPTraceExporter({ url });
}

/** Tells how many spans do not wait any more. */
function counted(exporter: SpanExporter): SpanExporter {
	return {
		...exporter,
		export(spans, done) {
			tell({ sent: spans.length });
			exporter.export(spans, done);
		},
	};
}

/**
 * Maximum number of successful exports in a row after which the endpoint counts as working again. It begins with one and doubles with
 * each line, so that an endpoint that fails now and then costs a few lines.
 */
const SETTLED_MAX = 64;

/**
 * Reports one line for each of the two kinds of failure when the endpoint begins to fail, so that one which fails in changing ways is
 * reported once. Tells nobody else: the spans of a failed export are lost.
 */
function quiet(exporter: SpanExporter): SpanExporter {
	const { origin } = new URL(options.url);
	const reported = new Set<Failure["kind"]>();
	let successes = 0;
	let settled = 1;
	const report = ({ kind, reason }: Failure) => {
		if (successes >= settled) {
			reported.clear();
		}
		successes = 0;
		if (!reported.has(kind)) {
			reported.add(kind);
			settled = Math.min(2 * settled, SETTLED_MAX);
			tell({ warning: `Traces are not exported to ${origin}: ${reason}` });
		}
	};
	return {
		export(spans, done) {
			exporter.export(spans, ({ code, error }) => {
				const isFailing = code !== SUCCESS;
				if (isFailing) {
					report(failureOf(error));
				} else {
					successes++;
				}
				tell({ isFailing });
				done({ code: SUCCESS });
			});
		},
		forceFlush: async () => exporter.forceFlush?.(),
		shutdown: () => exporter.shutdown(),
	};
}

/**
 * Puts pauses between exports, so that writing spans takes no more than a share of a core: the busier the process is, the more
 * spans there are.
 */
function restrained(exporter: SpanExporter): SpanExporter {
	return {
		...exporter,
		export(spans, done) {
			const used = processorTime_ms();
			let resumes = performance.now();
			exporter.export(spans, (result) => {
				const pause_ms = isStopping ? 0 : resumes - performance.now();
				if (pause_ms > 0) {
					setTimeout(() => done(result), pause_ms);
				} else {
					done(result);
				}
			});
			// The spans are written before the request is sent.
			resumes += (processorTime_ms() - used) / EXPORT_SHARE;
		},
	};
}

/** Lets exports wait while there are as many requests as may be. */
function limited(exporter: SpanExporter): SpanExporter {
	const limit = pLimit(REQUESTS_MAX);
	return {
		...exporter,
		export(spans, done) {
			void limit(() => new Promise<void>((resolve) => exporter.export(spans, () => resolve()))).then(() =>
				done({ code: SUCCESS }),
			);
		},
	};
}

/** Returns the processor time of this thread where Node.js (from 23.9) knows it, else the time. */
function processorTime_ms(): number {
	const { user, system } = process.threadCpuUsage?.() ?? { user: 1000 * performance.now(), system: 0 };
	return (user + system) / 1000;
}

/** Code of a successful export in OpenTelemetry's SDK (`ExportResultCode`). */
const SUCCESS = 0;

/** A failed export by its kind, of which one line is reported. */
interface Failure {
	kind: "refused" | "away";
	reason: string;
}

function failureOf(error: Error | undefined): Failure {
	const { code } = (error ?? {}) as { code?: unknown };
	if (typeof code === "number" && code < 500 && code !== 429) {
		const reason = `it refuses them (HTTP ${code}): check the path, and OTEL_EXPORTER_OTLP_HEADERS`;
		return { kind: "refused", reason };
	}
	const what = typeof code === "number" ? `it answers HTTP ${code}` : causeOf(code, error?.message);
	return { kind: "away", reason: `${what}; the shop goes on without` };
}

function causeOf(code: unknown, message = ""): string {
	if (typeof code === "string") {
		return `it cannot be reached (${code})`;
	}
	// The exporter does not tell which status it has repeated a request for.
	return message.includes("retryable status")
		? "it is overloaded or away (HTTP 429, 502, 503 or 504)"
		: "it does not take them in time";
}

/**
 * Returns a span in the form of OpenTelemetry's SDK. A literal without spreads, since V8 takes ten times as long for one with several.
 */
function exportedSpan(span: SpanRecord, resource: Resource): ReadableSpan {
	const { trace_id, parent_id, isParentSampled = false, begun_ms, ended_ms } = span;
	// The spans of a failed request are exported although they were not sampled.
	const context = contextOf({ trace_id, span_id: span.span_id, isSampled: true });
	return {
		name: span.name,
		kind: KINDS[span.kind],
		attributes: span.attributes,
		resource,
		instrumentationScope: SCOPE,
		spanContext: () => context,
		parentSpanContext: parent_id
			? contextOf({ trace_id, span_id: parent_id, isSampled: isParentSampled })
			: undefined,
		startTime: hrTime(begun_ms),
		endTime: hrTime(ended_ms),
		duration: hrTime(ended_ms - begun_ms),
		status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
		links: span.links.map((link) => ({ context: contextOf(link) })),
		events: [],
		ended: true,
		droppedAttributesCount: 0,
		droppedEventsCount: 0,
		droppedLinksCount: 0,
	};
}

const SCOPE = { name: "toko" };

function contextOf({ trace_id, span_id, isSampled }: SpanContext): OpenTelemetryContext {
	return { traceId: trace_id, spanId: span_id, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

/** Converts milliseconds to seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
	const seconds = Math.trunc(ms / 1000);
	return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
