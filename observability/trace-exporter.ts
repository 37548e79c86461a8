import { AsyncLocalStorage } from "node:async_hooks";
import { hostname } from "node:os";
import { Worker } from "node:worker_threads";
import { settings } from "../config/settings.ts";
import type { FromWorker, ToWorker, WorkerOptions } from "./export-worker.ts";
import { encodingOf } from "./otlp/protocols.ts";
import { sampler, shareOf } from "./sampling.ts";
import type { EndedSpan, LostSpans, TraceExporter } from "./spans.ts";

// Encoded spans are sent by a thread of their own, `export-worker.ts`: where a process also sends requests, Node's code for HTTP serves
// those that it receives more slowly.

/** Number of spans that are encoded together: code that runs in a loop takes half the time of code that runs between requests. */
const ENCODED_TOGETHER = 128;
/** Time limit for the last export to an endpoint that has not taken the one before. */
const HOPELESS_MS = 500;

/**
 * Creates the exporter to the endpoint of the settings.
 *
 * @param service Name of this process in the traces, unless `OTEL_SERVICE_NAME` says otherwise.
 * @param warn Writes one line for the operator when the endpoint begins to fail, or to reject spans.
 */
export function traceExporter(service: string, warn: (line: string) => void): TraceExporter {
	const { tracesQueue, tracesBatch, tracesSampler, tracesRatio, tracesProtocol, tracesDelay_ms } = settings;
	const batchSpans = Math.min(tracesBatch, Math.ceil(tracesQueue / 4));
	const worker = startWorker(service);
	/** Lines belong to no request, although they are often written in the course of one. */
	const report = AsyncLocalStorage.bind(warn);
	const share = shareOf(tracesSampler, tracesRatio);
	const batch = encodingOf(tracesProtocol).newBatch();
	/** Spans that are not in the batch yet. */
	let ended: EndedSpan[] = [];
	/** Number of spans in the batch, with those that could not be encoded, which count as sent. */
	let count = 0;
	let timer: NodeJS.Timeout | undefined;
	/** Number of spans that have not been sent to the endpoint. */
	let waiting = 0;
	/** Undefined until the worker has tried to export. */
	let isFailing: boolean | undefined;
	/** True if traces were dropped, and the endpoint was not known to fail. */
	let isShort = false;
	let hasReportedDrops = false;
	let hasReportedSpan = false;
	let dropped = 0;
	const lost: LostSpans = { failed: 0, rejected: 0, queue: 0 };
	/** Reports once that traces were dropped, but not for an endpoint that fails: it is reported itself. */
	const reportDrops = () => {
		if (isShort && isFailing === false && !hasReportedDrops) {
			hasReportedDrops = true;
			report(
				"Traces are dropped: more spans wait than OTEL_BSP_MAX_QUEUE_SIZE allows; raise it, or lower OTEL_TRACES_SAMPLER_ARG",
			);
		}
	};
	worker.on("message", (message: FromWorker) => {
		waiting -= message.sent ?? 0;
		isFailing = message.isFailing ?? isFailing;
		lost.failed += message.lost?.failed ?? 0;
		lost.rejected += message.lost?.rejected ?? 0;
		isShort &&= !isFailing;
		reportDrops();
		if (message.warning !== undefined) {
			report(message.warning);
		}
	});
	worker.on("error", (error) => {
		// Its queue is full from now on.
		waiting = Number.POSITIVE_INFINITY;
		report(`Traces are not exported any more: ${error.message}; restart this process`);
	});
	const exited = new Promise<void>((resolve) => {
		worker.once("exit", () => resolve());
	});
	const post = (message: ToWorker, moved: ArrayBuffer[] = []) => worker.postMessage(message, moved);
	const encode = () => {
		const spans = ended;
		ended = [];
		count += spans.length;
		for (const span of spans) {
			try {
				batch.add(span);
			} catch (error) {
				if (!hasReportedSpan) {
					hasReportedSpan = true;
					report(`A span cannot be exported (${span.name}): ${(error as Error).message}`);
				}
			}
		}
	};
	const flush = () => {
		clearTimeout(timer);
		timer = undefined;
		encode();
		if (count > 0) {
			const spans = batch.take();
			post({ spans, count }, [spans.buffer]);
			count = 0;
		}
	};
	return {
		isSampled: sampler(tracesSampler, tracesRatio),
		isDrawn: () => Math.random() < share,
		get dropped() {
			return dropped;
		},
		lost,
		takes(spans, isFailed) {
			// Half of the queue is left to traces that have begun, and to failed ones.
			const isTaken = waiting + spans <= tracesQueue && (isFailed || waiting < tracesQueue / 2);
			if (!isTaken) {
				dropped += 1;
				isShort = !isFailing;
				reportDrops();
			}
			return isTaken;
		},
		export(span) {
			if (waiting >= tracesQueue) {
				lost.queue += 1;
				return;
			}
			ended.push(span);
			waiting += 1;
			if (count + ended.length >= batchSpans) {
				flush();
				return;
			}
			if (ended.length >= ENCODED_TOGETHER) {
				encode();
			}
			timer ??= setTimeout(flush, tracesDelay_ms).unref();
		},
		async stop(patience_ms) {
			flush();
			worker.ref();
			post({ isStopping: true });
			let limit: NodeJS.Timeout | undefined;
			const late = new Promise((resolve) => {
				limit = setTimeout(resolve, isFailing ? Math.min(patience_ms, HOPELESS_MS) : patience_ms);
			});
			await Promise.race([exited, late]);
			clearTimeout(limit);
			await worker.terminate();
		},
	};
}

function startWorker(service: string): Worker {
	const { tracesUrl, tracesProtocol, namespace, variables } = settings;
	const options: WorkerOptions = {
		url: tracesUrl as string,
		protocol: tracesProtocol,
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
