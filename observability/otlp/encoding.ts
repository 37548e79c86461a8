import { type Attributes, type EndedSpan, Span, type SpanContext } from "../spans.ts";

// Spans in the two forms of OTLP. They are encoded by the thread that records them, many at once: to copy objects to the thread that
// sends them and to serialise them there by OpenTelemetry's SDK takes several times as long (decision 16).

/** A form of OTLP. */
export interface OtlpEncoding {
	/** Value of the header `Content-Type`. */
	contentType: string;
	/** Starts to encode spans. */
	newBatch(): SpanBatch;
	/**
	 * Returns the body of a request.
	 *
	 * @param resource Attributes of the process.
	 * @param spans An encoded batch.
	 */
	request(resource: Attributes, spans: Uint8Array): Uint8Array;
	/**
	 * Reads the body of a response to a request that succeeded. What it says may be nonsense.
	 *
	 * @throws Error for most bodies that are not in this form.
	 */
	rejection(response: Uint8Array): Rejection;
}

/** Spans of a request that the endpoint has not taken: `ExportTracePartialSuccess`. */
export interface Rejection {
	/** Number of the spans; 0 if it has taken all of them. */
	spans: number;
	/** Reason in the words of the endpoint. */
	message: string;
}

/** Encoded spans that are sent together. */
export interface SpanBatch {
	/** Adds a span that has ended. One that cannot be encoded leaves the batch as it was. */
	add(span: EndedSpan): void;
	/** Returns what was added, in a buffer of its own, and begins the next batch. */
	take(): Uint8Array<ArrayBuffer>;
}

/** Name of the instrumentation scope of all spans. */
export const SCOPE = "toko";

/** Values of `kind`. */
export const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** Values of `Status.code`. */
export const STATUS = { unset: 0, error: 2 };

/** Bits of `flags`: the trace is sampled; it is known whether a context came from outside of the process; it did. */
const [SAMPLED, REMOTE_KNOWN, REMOTE] = [1, 256, 512];

/** Returns the `flags` of a link. */
export function flagsOf(context: SpanContext): number {
	return (context.isSampled ? SAMPLED : 0) | REMOTE_KNOWN | (context instanceof Span ? 0 : REMOTE);
}

/** Returns the `flags` of a span, which tell about its parent. The spans of a failed request are exported although they were not sampled. */
export function flagsBelow(parent: SpanContext | undefined): number {
	return SAMPLED | (parent ? flagsOf(parent) & ~SAMPLED : REMOTE_KNOWN);
}

/** Tells whether a number is an integer of 64 bits, which has a type of its own. */
export function isInt64(value: number): boolean {
	return Number.isInteger(value) && Math.abs(value) < 2 ** 63;
}

/** Returns a value of `performance.now()` in nanoseconds since 1970, exact to a quarter of a microsecond. */
export function nanoseconds({ epoch_ms }: EndedSpan, at: number): number {
	return Math.round((epoch_ms + at) * 1e6);
}
