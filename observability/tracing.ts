import { AsyncLocalStorage } from "node:async_hooks";
import { settings } from "../config/settings.ts";
import { errorTypeOf, kindOf } from "../errors/kinds.ts";
import {
	type EndedOperation,
	type EndedSpan,
	formatTraceparent,
	LocalTrace,
	type LostSpans,
	OperationSpan,
	parseTraceparent,
	RequestSpan,
	randomHex,
	Span,
	type SpanContext,
	type SpanOptions,
	type TraceExporter,
} from "./spans.ts";
import { UnsampledTraces } from "./unsampled-traces.ts";

export type { Attributes, EndedOperation, EndedSpan, SpanContext, SpanKind, SpanOptions } from "./spans.ts";
export { parseTraceparent, RequestSpan, Span };

// Traces of this process. Until `startTracing` has found an endpoint to export to, nothing is recorded, and the exporter is not
// loaded.

/** The active spans: several while the work of several traces is done together. */
const active = new AsyncLocalStorage<readonly SpanContext[]>();
const NOTHING: readonly SpanContext[] = [];

let exporter: TraceExporter | undefined;
let unsampled: UnsampledTraces | undefined;
/** Called with the id of an unsampled trace that began in this process and failed. */
let onFailure: (trace_id: string) => void = () => undefined;

/**
 * Starts to record traces, if there is an endpoint to export them to. What is created before is not traced.
 *
 * @param service Name of this process in the traces, unless `OTEL_SERVICE_NAME` says otherwise.
 * @param warn Writes one line for the operator when the endpoint begins to fail, or to reject spans.
 */
export async function startTracing(
	service: string,
	warn: (line: string) => void,
	options?: TracingOptions,
): Promise<void> {
	if (settings.tracesUrl !== undefined) {
		const { traceExporter } = await import("./trace-exporter.ts");
		traceInto(traceExporter(service, warn), options);
	}
}

interface TracingOptions {
	/**
	 * False in a process that does not hear of requests that failed elsewhere (`keepTrace`). Of traces that began elsewhere, it records
	 * its parts only if they are sampled.
	 */
	hearsFailures?: boolean;
}

/** Records traces from now on, for this exporter. */
export function traceInto(
	given: TraceExporter | undefined,
	{ hearsFailures = true }: TracingOptions = {},
): void {
	exporter = given;
	unsampled = given && hearsFailures ? new UnsampledTraces() : undefined;
}

/** Exports what is left, within the time, and records nothing more. */
export async function stopTracing(patience_ms: number): Promise<void> {
	const stopped = exporter;
	exporter = undefined;
	await stopped?.stop(patience_ms);
}

/** Tells whether traces are recorded. Wrappers that are created before the start of the tracing do nothing. */
export function isTraced(): boolean {
	return exporter !== undefined;
}

/** Returns the number of sampled traces of which this process has dropped its part. */
export function droppedTraces(): number {
	return exporter?.dropped ?? 0;
}

/** Returns the numbers of spans that this process could not export. */
export function lostSpans(): LostSpans {
	return exporter?.lost ?? { failed: 0, rejected: 0, queue: 0 };
}

/** Returns the trace and span that the current work belongs to; undefined without a trace. */
export function activeTrace(): { trace_id: string; span_id: string } | undefined {
	const [span] = active.getStore() ?? NOTHING;
	return span && { trace_id: span.trace_id, span_id: span.span_id };
}

/** Returns the same for a span, by default the active one, but only if its trace is certain to be exported. */
export function sampledTrace(
	span: SpanContext | undefined = activeSpans()[0],
): { trace_id: string; span_id: string } | undefined {
	return span?.isSampled ? { trace_id: span.trace_id, span_id: span.span_id } : undefined;
}

/** Returns the active spans. */
export function activeSpans(): readonly SpanContext[] {
	return active.getStore() ?? NOTHING;
}

/** Returns the `traceparent` of the active span, to be sent along with a message; undefined without a trace. */
export function activeTraceparent(): string | undefined {
	const spans = activeSpans();
	return spans.length === 1 ? formatTraceparent(spans[0] as SpanContext) : undefined;
}

/** Returns the `traceparent` of a span. */
export function traceparentOf(span: SpanContext | undefined): string | undefined {
	return span && formatTraceparent(span);
}

/** Runs work that belongs to these spans, or to none. */
export function withSpans<T>(spans: readonly SpanContext[], work: () => T): T {
	return exporter ? active.run(spans, work) : work();
}

/** Returns a callback that runs in the trace of the current work, whoever calls it. */
export function inOwnTrace<F extends (...args: never[]) => unknown>(callback: F): F {
	if (!exporter) {
		return callback;
	}
	const spans = activeSpans();
	return ((...args) => active.run(spans, () => callback(...args))) as F;
}

/**
 * Starts a span. It is not active: see `withSpans`.
 *
 * @param parent The span that it is a part of; undefined begins a trace.
 * @returns Undefined if nothing is traced, or if the span would not be exported whatever happens.
 */
export function startSpan(parent: SpanContext | undefined, options: SpanOptions): Span | undefined {
	if (!exporter || (parent && !options.isEntry && isSettled(exporter, parent))) {
		return undefined;
	}
	const local = localTraceOf(exporter, parent);
	const span = new Span(local, parent, options);
	local.root ??= span;
	return span;
}

/**
 * Tells whether nothing more of a trace is exported: it is not sampled, and its request has succeeded, or this process would not hear of
 * its failure.
 */
function isSettled(by: TraceExporter, parent: SpanContext): boolean {
	if (parent instanceof Span) {
		return false;
	}
	return unsampled
		? !parent.isSampled && unsampled.hasSucceeded(parent.trace_id)
		: !by.isSampled(parent.trace_id, parent);
}

function localTraceOf(to: TraceExporter, parent: SpanContext | undefined): LocalTrace {
	if (parent instanceof Span) {
		return parent.local;
	}
	const trace_id = parent?.trace_id ?? randomHex(16);
	return new LocalTrace({ trace_id, isSampled: to.isSampled(trace_id, parent) }, to, decide);
}

/**
 * Decides whether a request that has ended is exported, for one that had no parts, such as one answered from memory: most have no use
 * for a span.
 *
 * @param parent The span that it is a part of; undefined if it begins a trace.
 */
export function isRequestSampled(parent: SpanContext | undefined): boolean {
	if (!exporter) {
		return false;
	}
	const isSampled = parent ? exporter.isSampled(parent.trace_id, parent) : exporter.isDrawn();
	return isSampled && exporter.takes(1, false);
}

/** Exports a request that has ended and is sampled. */
export function exportRequest(span: RequestSpan): void {
	exporter?.export(span);
}

/**
 * Decides about an unsampled part of a trace: it is exported if the whole request has failed, with its parts in all processes. What
 * failed within a request that succeeded, such as a first try, would be there without its parents.
 */
function decide(local: LocalTrace): void {
	const { hasFailed, parent } = local.root as EndedSpan;
	const isEntry = local.root instanceof Span && local.root.isEntry;
	if (parent && !isEntry) {
		if (!unsampled || unsampled.hasSucceeded(local.trace_id)) {
			local.drop();
		} else {
			unsampled.add(local);
		}
	} else if (hasFailed) {
		local.keep();
		keepTrace(local.trace_id);
		onFailure(local.trace_id);
	} else {
		local.drop();
		if (!parent) {
			unsampled?.noteSuccess(local.trace_id);
		}
	}
}

/** Exports what this process has recorded, and will record, of a trace that failed in another process. */
export function keepTrace(trace_id: string): void {
	unsampled?.keep(trace_id);
}

/** Sets the listener that gets the id of each unsampled trace that began in this process and failed. */
export function onFailedTrace(listener: (trace_id: string) => void): void {
	onFailure = listener;
}

/** Notes an error in a span. A mistake of the client is not a failure of the operation. */
export function noteError(span: Pick<Span, "error_type" | "hasFailed">, error: unknown): void {
	span.error_type = errorTypeOf(error);
	span.hasFailed = kindOf(error) !== "client";
}

/**
 * Runs work as a span.
 *
 * @param parent The span that it is a part of; undefined begins a trace.
 */
export async function inSpan<T>(
	parent: SpanContext | undefined,
	options: SpanOptions,
	work: () => Promise<T>,
): Promise<T> {
	const span = startSpan(parent, options);
	if (!span) {
		return parent ? withSpans([parent], work) : work();
	}
	try {
		return await active.run(span.alone, work);
	} catch (error) {
		noteError(span, error);
		throw error;
	} finally {
		span.end();
	}
}

/**
 * Runs work as a part of the active span, if there is one. Work for several traces together begins a trace of its own, with links
 * to them.
 */
export function inChildSpan<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
	const spans = activeSpans();
	if (spans.length === 0) {
		return work();
	}
	return spans.length === 1
		? inSpan(spans[0], options, work)
		: inSpan(undefined, { ...options, links: [...(options.links ?? []), ...spans] }, work);
}

/**
 * Records an operation that has ended.
 *
 * @param parents The spans that were active at its start: those of a batch share it.
 */
export function recordOperation(parents: readonly SpanContext[], operation: EndedOperation): void {
	if (!exporter) {
		return;
	}
	for (const parent of parents) {
		if (!isSettled(exporter, parent)) {
			const local = localTraceOf(exporter, parent);
			const span = new OperationSpan(local, parent, operation);
			local.root ??= span;
			local.onEnd(span);
		}
	}
}
