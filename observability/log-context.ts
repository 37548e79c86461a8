import { AsyncLocalStorage } from "node:async_hooks";
import { activeTrace, type SpanContext } from "./tracing.ts";

/**
 * The work that lines of a log belong to: the context of a call, of which they show some, or an event. Read when a line is written, so
 * that work without a line costs nothing more than to be known.
 */
export interface Work {
	/** Same in all calls of a request, in all processes. */
	requestID?: string | null | undefined;
	action?: { name?: string } | null;
	locals?: { caller?: { id: number | null } } | null;
	event?: string | undefined;
	event_id?: string | undefined;
	/** Trace of what has caused the work, for lines outside of any span. */
	trace?: SpanContext | undefined;
}

const current = new AsyncLocalStorage<Work>();

/** Tells whether a text may be the id of a request: is safe to log and to return. */
export function isRequestId(text: unknown): text is string {
	return typeof text === "string" && /^[\w.-]{8,64}$/.test(text);
}

/** Runs work whose lines name this call or event. */
export function logAs<T>(work: Work, run: () => T): T {
	return current.run(work, run);
}

/** Returns the id of the request that the current work belongs to; undefined outside of any. */
export function activeRequest(): string | undefined {
	return current.getStore()?.requestID ?? undefined;
}

/**
 * Returns the id of the request that has caused the current event or job; undefined in an action, which passes its own context on to
 * its calls.
 */
export function causingRequest(): string | undefined {
	const work = current.getStore();
	return work?.action ? undefined : (work?.requestID ?? undefined);
}

/** Returns the request of work that is done together: the one that all of it belongs to, if there is one. */
export function sharedRequest(ids: Iterable<string | undefined>): string | undefined {
	const [first, ...others] = new Set(ids);
	return others.length === 0 ? first : undefined;
}

/** Returns the fields that tell what a line belongs to. */
export function logFields(): Record<string, unknown> {
	const work = current.getStore();
	const trace = activeTrace() ?? work?.trace;
	return {
		request_id: work?.requestID ?? undefined,
		trace_id: trace?.trace_id,
		span_id: trace?.span_id,
		user_id: work?.locals?.caller?.id ?? undefined,
		action: work?.action?.name,
		event: work?.event,
		event_id: work?.event_id,
	};
}
