import type { Attributes, EndedSpan } from "../spans.ts";

// Spans in the two forms of OTLP. They are encoded when they end, by the process that records them: to copy objects to the thread that
// sends them and to serialise them there by OpenTelemetry's SDK takes several times as long (decision 16).

/** A form of OTLP. */
export interface OtlpEncoding {
	/** Value of the header `Content-Type`. */
	contentType: string;
	/** Starts to encode spans that are sent together. */
	newBatch(): SpanBatch;
	/**
	 * Returns the body of a request.
	 *
	 * @param resource Attributes of the process.
	 * @param spans An encoded batch.
	 */
	request(resource: Attributes, spans: Uint8Array): Uint8Array;
}

/** Encoded spans. */
export interface SpanBatch {
	/** Adds a span that has ended. */
	add(span: EndedSpan): void;
	/** Returns what was added, in a buffer of its own. The batch cannot be used any more. */
	finish(): Uint8Array<ArrayBuffer>;
}

/** Name of the instrumentation scope of all spans. */
export const SCOPE = "toko";

/** Values of `kind`. */
export const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** Values of `Status.code`. */
export const STATUS = { unset: 0, error: 2 };

/** Bits of `flags`: the trace is sampled, and whether a context is of another process would be known. */
const [SAMPLED, REMOTE_KNOWN] = [1, 256];

/** Returns the `flags` of a span or a link. */
export function flagsOf(isSampled: boolean): number {
	return isSampled ? SAMPLED | REMOTE_KNOWN : REMOTE_KNOWN;
}

/** Returns a value of `performance.now()` in nanoseconds since 1970, exact to a quarter of a microsecond. */
export function nanoseconds({ epoch_ms }: EndedSpan, at: number): number {
	return Math.round((epoch_ms + at) * 1e6);
}

/** Returns the attributes of a span but for its error. */
export function attributesOf({ attributes }: EndedSpan): Attributes {
	return typeof attributes === "function" ? attributes() : attributes;
}
