import { hostname } from "node:os";
import { Worker } from "node:worker_threads";
import { settings } from "../config/settings.ts";
import type { FromWorker, SpanRecord, ToWorker, WorkerOptions } from "./export-worker.ts";
import { sampler, shareOf } from "./sampling.ts";
import type { Attributes, Span, TraceExporter } from "./spans.ts";

// Spans are exported by a thread of their own, `export-worker.ts`: writing them takes longer than a cached response does, and
// where a process also sends requests, Node's code for HTTP serves those that it receives more slowly.

/** Spans go to the worker together, when there are as many or after this time. */
const BATCH_SPANS = 256;
const BATCH_MS = 50;
/** Time limit for the last export to an endpoint that has not taken the one before. */
const HOPELESS_MS = 500;

/**
 * Creates the exporter to the endpoint of the settings.
 *
 * @param service Name of this process in the traces, unless `OTEL_SERVICE_NAME` says otherwise.
 * @param warn Writes one line for the operator when the endpoint begins to fail.
 */
export function traceExporter(service: string, warn: (line: string) => void): TraceExporter {
	const { tracesQueue, tracesSampler, tracesRatio } = settings;
	const worker = startWorker(service);
	const share = shareOf(tracesSampler, tracesRatio);
	let batch: SpanRecord[] = [];
	let timer: NodeJS.Timeout | undefined;
	/** Number of spans that have not been sent to the endpoint. */
	let waiting = 0;
	/** Undefined until the worker has tried to export. */
	let isFailing: boolean | undefined;
	let hasWarned = false;
	let dropped = 0;
	worker.on("message", (message: FromWorker) => {
		waiting -= message.sent ?? 0;
		isFailing = message.isFailing ?? isFailing;
		if (message.warning !== undefined) {
			warn(message.warning);
		}
	});
	worker.on("error", (error) => {
		// Its queue is full from now on.
		waiting = Number.POSITIVE_INFINITY;
		warn(`Traces are not exported any more: ${error.message}; restart this process`);
	});
	const post = (message: ToWorker) => worker.postMessage(message);
	const flush = () => {
		clearTimeout(timer);
		timer = undefined;
		if (batch.length > 0) {
			// A text is copied faster than objects are.
			post({ spans: JSON.stringify(batch) });
			batch = [];
		}
	};
	return {
		isSampled: sampler(tracesSampler, tracesRatio),
		isDrawn: () => Math.random() < share,
		get dropped() {
			return dropped;
		},
		takes() {
			// Half of the queue is left to traces that have begun, and to failed ones.
			const isTaken = waiting < tracesQueue / 2;
			if (!isTaken) {
				dropped += 1;
				if (!hasWarned && isFailing === false) {
					hasWarned = true;
					warn(
						"Traces are dropped: there are more than this process can export; lower OTEL_TRACES_SAMPLER_ARG",
					);
				}
			}
			return isTaken;
		},
		export(span) {
			if (waiting >= tracesQueue) {
				return;
			}
			waiting += 1;
			batch.push(recordOf(span));
			if (batch.length >= Math.min(BATCH_SPANS, tracesQueue / 4)) {
				flush();
			} else {
				timer ??= setTimeout(flush, BATCH_MS).unref();
			}
		},
		async stop(patience_ms) {
			flush();
			const stopped = new Promise<void>((resolve) => {
				worker.once("exit", () => resolve());
			});
			worker.ref();
			post({ isStopping: true });
			let limit: NodeJS.Timeout | undefined;
			const late = new Promise((resolve) => {
				limit = setTimeout(resolve, isFailing ? Math.min(patience_ms, HOPELESS_MS) : patience_ms);
			});
			await Promise.race([stopped, late]);
			clearTimeout(limit);
			await worker.terminate();
		},
	};
}

function startWorker(service: string): Worker {
	const { tracesUrl, tracesProtocol, tracesDelay_ms, tracesQueue, namespace, variables } = settings;
	const options: WorkerOptions = {
		url: tracesUrl as string,
		protocol: tracesProtocol,
		delay_ms: tracesDelay_ms,
		queue: tracesQueue,
		resource: {
			"service.name": service,
			"service.namespace": namespace,
			"service.instance.id": `${hostname()}-${process.pid}`,
		},
	};
	const env = Object.fromEntries(
		Object.entries(variables).filter((one): one is [string, string] => one[1] !== undefined),
	);
	const worker = new Worker(new URL("./export-worker.ts", import.meta.url), { workerData: options, env });
	worker.unref();
	return worker;
}

/** Returns what is exported of a span. */
function recordOf(span: Span): SpanRecord {
	const { name, kind, trace_id, span_id, parent, links, local, begun, error_type, hasFailed } = span;
	const attributes = attributesOf(span);
	return {
		...{ name, kind, trace_id, span_id, hasFailed },
		parent_id: parent?.span_id,
		isParentSampled: parent?.isSampled,
		begun_ms: local.epoch_ms + begun,
		ended_ms: local.epoch_ms + (span.ended as number),
		attributes: error_type ? { ...attributes, "error.type": error_type } : attributes,
		links: links.map(({ trace_id, span_id, isSampled }) => ({ trace_id, span_id, isSampled })),
	};
}

function attributesOf({ attributes }: Span): Attributes {
	return typeof attributes === "function" ? attributes() : attributes;
}
