import { AsyncLocalStorage } from "node:async_hooks";
import { hostname } from "node:os";
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
import {
	BatchSpanProcessor,
	type ReadableSpan,
	SamplingDecision,
	type SpanExporter,
	TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { settings } from "../config/settings.ts";
import type { Attributes, Span, SpanContext, TraceExporter } from "./spans.ts";

// The only module that loads OpenTelemetry's packages: 170 ms and 27 MB, so tracing.ts imports it only where there is an
// endpoint. Spans are recorded by spans.ts, since most of them are never exported; here the exported ones get the form of
// OpenTelemetry's SDK, which batches and sends them.

/** Creates the exporter to the endpoint of the settings. */
export async function openTelemetryExporter(
	service: string,
	warn: (line: string) => void,
): Promise<TraceExporter> {
	const { tracesDelay_ms, tracesQueue } = settings;
	const endpoint = quiet(await otlpExporter(), warn);
	let waiting = 0;
	let isStopping = false;
	let hasWarned = false;
	let dropped = 0;
	const exporter = restrained(endpoint, () => isStopping);
	const processor = new BatchSpanProcessor({
		exporter: {
			...exporter,
			export(spans, done) {
				waiting -= spans.length;
				exporter.export(spans, done);
			},
		},
		scheduledDelayMillis: tracesDelay_ms,
		maxQueueSize: tracesQueue,
		maxExportBatchSize: Math.min(BATCH_SPANS, tracesQueue),
	});
	const resource = resourceOf(service);
	const share = shareOf(settings.tracesSampler, settings.tracesRatio);
	return {
		isSampled: sampler(settings.tracesSampler, settings.tracesRatio),
		isDrawn: () => Math.random() < share,
		get dropped() {
			return dropped;
		},
		takes() {
			// Half of the queue is left to traces that have begun, and to failed ones.
			const isTaken = waiting < tracesQueue / 2;
			if (!isTaken) {
				dropped += 1;
				if (!hasWarned && !endpoint.isFailing()) {
					hasWarned = true;
					warn(
						"Traces are dropped: there are more than this process can export; lower OTEL_TRACES_SAMPLER_ARG",
					);
				}
			}
			return isTaken;
		},
		export(span) {
			if (waiting < tracesQueue) {
				waiting += 1;
				// A waiting span must not keep its request in memory.
				span.attributes = attributesOf(span);
				processor.onEnd(new ExportedSpan(span, resource));
			}
		},
		async stop(patience_ms) {
			isStopping = true;
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise((resolve) => {
				timer = setTimeout(resolve, endpoint.isFailing() ? Math.min(patience_ms, HOPELESS_MS) : patience_ms);
			});
			await Promise.race([processor.forceFlush().catch(() => undefined), late]);
			clearTimeout(timer);
		},
	};
}

/** Maximum number of spans in a request to the endpoint. */
const BATCH_SPANS = 512;
/** Maximum share of the time of a process that writing spans takes; further traces are dropped. */
const EXPORT_SHARE = 0.15;
/** Time limit for the last export to an endpoint that has not taken the one before. */
const HOPELESS_MS = 500;

async function otlpExporter(): Promise<SpanExporter> {
	const options = { url: settings.tracesUrl as string };
	if (settings.tracesProtocol === "http/json") {
		const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
		return new OTLPTraceExporter(options);
	}
	const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
	return new OTLPTraceExporter(options);
}

/**
 * Maximum number of successful exports in a row after which the endpoint counts as working again. It begins with one and doubles with
 * each line, so that an endpoint that fails now and then costs a few lines.
 */
const SETTLED_MAX = 64;

/**
 * Logs one line for each of the two reasons when the endpoint begins to fail, and tells nobody else: the spans of a failed export are
 * lost.
 */
function quiet(
	exporter: SpanExporter,
	warn: (line: string) => void,
): SpanExporter & { isFailing(): boolean } {
	const { origin } = new URL(settings.tracesUrl as string);
	const reported = new Set<string>();
	// An export runs in the context of the request whose span was the last; the line belongs to none.
	const outside = AsyncLocalStorage.snapshot();
	let isFailing = false;
	let successes = 0;
	let settled = 1;
	const report = (reason: string) => {
		if (successes >= settled) {
			reported.clear();
		}
		successes = 0;
		if (!reported.has(reason)) {
			reported.add(reason);
			settled = Math.min(2 * settled, SETTLED_MAX);
			outside(warn, `Traces are not exported to ${origin}: ${reason}`);
		}
	};
	return {
		isFailing: () => isFailing,
		export(spans, done) {
			exporter.export(spans, ({ code, error }) => {
				isFailing = code !== SUCCESS;
				if (isFailing) {
					report(reasonOf(error));
				} else {
					successes++;
				}
				done({ code: SUCCESS });
			});
		},
		forceFlush: async () => exporter.forceFlush?.(),
		shutdown: () => exporter.shutdown(),
	};
}

/**
 * Puts pauses between exports, so that writing spans takes no more than a share of the time of this process: the busier it is, the
 * more spans there are.
 */
function restrained(exporter: SpanExporter, isStopping: () => boolean): SpanExporter {
	return {
		export(spans, done) {
			const begun = performance.now();
			let resumes = begun;
			exporter.export(spans, (result) => {
				const pause_ms = isStopping() ? 0 : resumes - performance.now();
				if (pause_ms > 0) {
					setTimeout(() => done(result), pause_ms).unref();
				} else {
					done(result);
				}
			});
			// The spans are written before the request is sent.
			resumes += (performance.now() - begun) / EXPORT_SHARE;
		},
		forceFlush: async () => exporter.forceFlush?.(),
		shutdown: () => exporter.shutdown(),
	};
}

/** Code of a successful export in OpenTelemetry's SDK (`ExportResultCode`). */
const SUCCESS = 0;

/** Describes a failed export by one of two texts, so that an endpoint which fails in changing ways is reported once. */
function reasonOf(error: Error | undefined): string {
	const { code } = (error ?? {}) as { code?: unknown };
	return typeof code === "number" && code < 500 && code !== 429
		? `it refuses them (HTTP ${code}): check the path, and OTEL_EXPORTER_OTLP_HEADERS`
		: "it does not take them in time; the shop goes on without";
}

/**
 * Returns the sampler of a name.
 *
 * @param ratio Share of the traces that samplers named `traceidratio` sample.
 */
export function sampler(name: string, ratio: number): TraceExporter["isSampled"] {
	const root = name.replace(/^parentbased_/, "");
	const byRatio = new TraceIdRatioBasedSampler(ratio);
	const decide = (trace_id: string) =>
		root === "traceidratio"
			? byRatio.shouldSample(undefined as never, trace_id).decision === SamplingDecision.RECORD_AND_SAMPLED
			: root === "always_on";
	return root === name ? decide : (trace_id, parent) => (parent ? parent.isSampled : decide(trace_id));
}

/** Returns the share of new traces that a sampler samples. */
function shareOf(name: string, ratio: number): number {
	return name.endsWith("traceidratio") ? ratio : Number(name.endsWith("always_on"));
}

/** Returns the attributes of this process. Those of `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. */
function resourceOf(service: string): Resource {
	const own = resourceFromAttributes({
		"service.name": service,
		"service.namespace": settings.namespace,
		"service.instance.id": `${hostname()}-${process.pid}`,
	});
	return own.merge(detectResources({ detectors: [envDetector] }));
}

const SCOPE = { name: "toko" };
const KINDS = {
	internal: SpanKind.INTERNAL,
	server: SpanKind.SERVER,
	client: SpanKind.CLIENT,
	producer: SpanKind.PRODUCER,
	consumer: SpanKind.CONSUMER,
};

/** A span in the form of OpenTelemetry's SDK, which reads it only when it is sent. */
class ExportedSpan implements ReadableSpan {
	readonly resource: Resource;
	readonly instrumentationScope = SCOPE;
	readonly events = [];
	readonly ended = true;
	readonly droppedAttributesCount = 0;
	readonly droppedEventsCount = 0;
	readonly droppedLinksCount = 0;
	readonly #span: Span;

	constructor(span: Span, resource: Resource) {
		this.resource = resource;
		this.#span = span;
	}

	get name() {
		return this.#span.name;
	}

	get kind() {
		return KINDS[this.#span.kind];
	}

	spanContext() {
		// Those of a failed request are exported although they were not sampled.
		const { trace_id, span_id } = this.#span;
		return contextOf({ trace_id, span_id, isSampled: true });
	}

	get parentSpanContext() {
		const { parent } = this.#span;
		return parent && contextOf(parent);
	}

	get startTime() {
		return hrTime(this.#span.local.epoch_ms + this.#span.begun);
	}

	get endTime() {
		return hrTime(this.#span.local.epoch_ms + (this.#span.ended as number));
	}

	get duration() {
		return hrTime((this.#span.ended as number) - this.#span.begun);
	}

	get status() {
		return { code: this.#span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET };
	}

	get attributes() {
		const { error_type } = this.#span;
		const own = attributesOf(this.#span);
		return error_type ? { ...own, "error.type": error_type } : own;
	}

	get links() {
		return this.#span.links.map((link) => ({ context: contextOf(link) }));
	}
}

function contextOf({ trace_id, span_id, isSampled }: SpanContext): OpenTelemetryContext {
	return { traceId: trace_id, spanId: span_id, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

function attributesOf({ attributes }: Span): Attributes {
	return typeof attributes === "function" ? attributes() : attributes;
}

/** Converts milliseconds to seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
	const seconds = Math.trunc(ms / 1000);
	return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
