import { randomFillSync } from "node:crypto";

// Spans as they are recorded, which costs little and needs none of OpenTelemetry's packages: most spans belong to traces that
// are never exported, and are recorded only in case their request fails.

/** Kind of a span, by the names of OpenTelemetry. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

export type Attributes = Record<string, string | number | boolean>;

/** Position in a trace, of a span in this process or another one. */
export interface SpanContext {
	/** 32 hexadecimal digits. */
	readonly trace_id: string;
	/** 16 hexadecimal digits. */
	readonly span_id: string;
	/** True if the spans of the trace are exported whatever happens. */
	readonly isSampled: boolean;
}

/** Name, kind and attributes of a span. */
export interface SpanOptions {
	name: string;
	kind: SpanKind;
	attributes?: Attributes;
	/** Spans of other traces, or asynchronous causes. */
	links?: readonly SpanContext[];
	/** Start, a value of `performance.now()`; now by default. */
	begun?: number;
	/** True for a request from outside of the shop, also if it continues a trace. */
	isEntry?: boolean;
}

/** A span that has ended, as it is exported. */
export interface EndedSpan extends SpanContext {
	readonly kind: SpanKind;
	readonly parent: SpanContext | undefined;
	readonly links: readonly SpanContext[];
	readonly name: string;
	/** Frozen ones are shared by many spans. */
	readonly attributes: Attributes;
	/** Values of `performance.now()`. */
	readonly begun: number;
	readonly ended: number | undefined;
	/** Milliseconds since 1970 at `performance.now() === 0`. */
	readonly epoch_ms: number;
	/** Code of the error, if there was one. */
	readonly error_type: string | undefined;
	/** True if the operation failed by a fault of the shop, not of its client. */
	readonly hasFailed: boolean;
}

/** Numbers of spans that were not exported, by reason. */
export interface LostSpans {
	/** Spans of requests that the endpoint did not take. */
	failed: number;
	/** Spans that the endpoint rejected, although it took their request. */
	rejected: number;
	/** Spans that ended while too many others waited. */
	queue: number;
}

/** Decides about new traces and exports spans. */
export interface TraceExporter {
	/** Decides whether a trace is sampled. */
	isSampled(trace_id: string, parent: SpanContext | undefined): boolean;
	/** Decides about a new trace of a single span, whose id no other process sees, before it has one. */
	isDrawn(): boolean;
	/**
	 * Reports whether it takes so many spans of a trace together. If not, the trace counts as dropped.
	 *
	 * @param isFailed True for a request that failed, for which there is more room.
	 */
	takes(spans: number, isFailed: boolean): boolean;
	/** Number of traces that it did not take. */
	readonly dropped: number;
	/** Numbers of spans that were not exported. */
	readonly lost: Readonly<LostSpans>;
	export(span: EndedSpan): void;
	/** Exports what is left, within the time. */
	stop(patience_ms: number): Promise<void>;
}

/** A recorded operation. */
export class Span implements EndedSpan {
	readonly kind: SpanKind;
	readonly parent: SpanContext | undefined;
	readonly links: readonly SpanContext[];
	/** Value of `performance.now()`. */
	readonly begun: number;
	name: string;
	attributes: Attributes;
	/** Value of `performance.now()`; undefined while the operation runs. */
	ended: number | undefined;
	/** Code of the error, if there was one. */
	error_type: string | undefined;
	/** True if the operation failed by a fault of the shop, not of its client. */
	hasFailed = false;
	/** The span as a list, for the storage of active spans. */
	readonly alone: readonly [Span];
	readonly local: LocalTrace;
	readonly isEntry: boolean;
	#span_id: string | undefined;

	constructor(local: LocalTrace, parent: SpanContext | undefined, options: SpanOptions) {
		this.local = local;
		this.parent = parent;
		this.name = options.name;
		this.kind = options.kind;
		this.attributes = options.attributes ?? NONE;
		this.links = options.links ?? NO_LINKS;
		this.begun = options.begun ?? performance.now();
		this.isEntry = options.isEntry ?? false;
		this.alone = [this];
	}

	get trace_id(): string {
		return this.local.trace_id;
	}

	get span_id(): string {
		this.#span_id ??= randomHex(8);
		return this.#span_id;
	}

	get isSampled(): boolean {
		return this.local.isSampled;
	}

	get epoch_ms(): number {
		return this.local.epoch_ms;
	}

	/** Ends the span. Later calls do nothing. */
	end(): void {
		if (this.ended === undefined) {
			this.ended = performance.now();
			this.local.onEnd(this);
		}
	}
}

/** An operation without parts, such as a query, that has ended. Work for several traces shares its operations. */
export interface EndedOperation {
	readonly name: string;
	readonly kind: SpanKind;
	/** Read only if the operation is exported, and then up to seconds after its end. */
	readonly attributes: Attributes;
	/** Values of `performance.now()`. */
	readonly begun: number;
	readonly ended: number;
	/** Code of the error, if there was one. */
	readonly error_type: string | undefined;
	/** True if the operation failed by a fault of the shop, not of its client. */
	readonly hasFailed: boolean;
}

/** An operation in one of its traces. Most are dropped soon, so that it holds little of its own. */
export class OperationSpan implements EndedSpan {
	readonly parent: SpanContext;
	readonly #local: LocalTrace;
	readonly #operation: EndedOperation;
	#span_id: string | undefined;

	constructor(local: LocalTrace, parent: SpanContext, operation: EndedOperation) {
		this.parent = parent;
		this.#local = local;
		this.#operation = operation;
	}

	get trace_id(): string {
		return this.#local.trace_id;
	}

	get span_id(): string {
		this.#span_id ??= randomHex(8);
		return this.#span_id;
	}

	get isSampled(): boolean {
		return this.#local.isSampled;
	}

	get epoch_ms(): number {
		return this.#local.epoch_ms;
	}

	get links(): readonly SpanContext[] {
		return NO_LINKS;
	}

	get name(): string {
		return this.#operation.name;
	}

	get kind(): SpanKind {
		return this.#operation.kind;
	}

	get attributes(): Attributes {
		return this.#operation.attributes;
	}

	get begun(): number {
		return this.#operation.begun;
	}

	get ended(): number {
		return this.#operation.ended;
	}

	get error_type(): string | undefined {
		return this.#operation.error_type;
	}

	get hasFailed(): boolean {
		return this.#operation.hasFailed;
	}
}

/** A sampled request that has ended, had no parts and was no fault of the shop: its record costs less than a `Span`. */
export class RequestSpan implements EndedSpan {
	readonly kind = "server";
	readonly isSampled = true;
	readonly error_type = undefined;
	readonly hasFailed = false;
	readonly parent: SpanContext | undefined;
	readonly links: readonly SpanContext[];
	readonly name: string;
	readonly attributes: Attributes;
	readonly begun: number;
	readonly ended: number;
	readonly epoch_ms: number;
	#trace_id: string | undefined;
	#span_id: string | undefined;

	/**
	 * @param parent The span that it is a part of; undefined if it begins a trace.
	 * @param ended Now, as a value of `performance.now()`.
	 */
	constructor(
		parent: SpanContext | undefined,
		links: readonly SpanContext[],
		{ name, attributes }: { name: string; attributes: Attributes },
		begun: number,
		ended: number,
	) {
		this.parent = parent;
		this.links = links;
		this.name = name;
		this.attributes = attributes;
		this.begun = begun;
		this.ended = ended;
		this.epoch_ms = Date.now() - ended;
	}

	get trace_id(): string {
		this.#trace_id ??= this.parent?.trace_id ?? randomHex(16);
		return this.#trace_id;
	}

	get span_id(): string {
		this.#span_id ??= randomHex(8);
		return this.#span_id;
	}
}

const NONE: Attributes = {};
const NO_LINKS: readonly SpanContext[] = [];

/** Maximum number of spans that wait for the end of their local root; further ones of unsampled traces are dropped. */
const SPANS_MAX = 1000;

/**
 * The part of a trace in this process below one span, its local root, for whose end the others wait: if the trace is not sampled,
 * they are exported only if the local root failed; if it is, a process that is killed leaves no spans without their parents.
 */
export class LocalTrace {
	readonly trace_id: string;
	readonly isSampled: boolean;
	/** The local root: a span, or an operation of a part of the trace elsewhere. */
	root: EndedSpan | undefined;
	#epoch_ms: number | undefined;
	#exporter: TraceExporter;
	#onRootEnd: (local: LocalTrace) => void;
	#state: "recording" | "exporting" | "dropped" = "recording";
	#recorded: EndedSpan[] = [];

	/** @param onRootEnd Called for an unsampled trace when its local root has ended; decides by `keep` or `drop`. */
	constructor(
		{ trace_id, isSampled }: Pick<SpanContext, "trace_id" | "isSampled">,
		exporter: TraceExporter,
		onRootEnd: (local: LocalTrace) => void,
	) {
		this.trace_id = trace_id;
		this.isSampled = isSampled;
		this.#exporter = exporter;
		this.#onRootEnd = onRootEnd;
	}

	/** By the clock when the first span is exported, which is the same for all of them. */
	get epoch_ms(): number {
		this.#epoch_ms ??= Date.now() - performance.now();
		return this.#epoch_ms;
	}

	onEnd(span: EndedSpan): void {
		if (this.#state === "exporting") {
			this.#exporter.export(span);
		} else if (this.#state === "recording" && (this.#recorded.length < SPANS_MAX || span === this.root)) {
			this.#recorded.push(span);
		}
		if (this.isSampled && (span === this.root || this.#recorded.length === SPANS_MAX)) {
			this.keep(this.root?.hasFailed ?? false);
		} else if (span === this.root) {
			this.#onRootEnd(this);
		}
	}

	/** Number of spans that wait for a decision. */
	get waiting(): number {
		return this.#recorded.length;
	}

	/** Exports the recorded spans and those that end later, or drops all of them if there is no room. */
	keep(isFailed = true): void {
		if (this.#state !== "recording") {
			return;
		}
		if (!this.#exporter.takes(this.#recorded.length, isFailed)) {
			this.drop();
			return;
		}
		this.#state = "exporting";
		for (const span of this.#recorded) {
			this.#exporter.export(span);
		}
		this.#recorded = [];
	}

	/** Forgets the recorded spans, and those that end later. */
	drop(): void {
		this.#state = "dropped";
		this.#recorded = [];
	}
}

/** A `traceparent` (W3C Trace Context) of version 00, or of a later one, in which more may follow. */
const TRACEPARENT =
	/^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/** Parses a `traceparent`; returns undefined if it is none. */
export function parseTraceparent(given: unknown): SpanContext | undefined {
	if (typeof given !== "string" || !TRACEPARENT.test(given)) {
		return undefined;
	}
	const flags = Number.parseInt(given.slice(53, 55), 16);
	return { trace_id: given.slice(3, 35), span_id: given.slice(36, 52), isSampled: (flags & 1) === 1 };
}

/** Returns the `traceparent` of a span. */
export function formatTraceparent({ trace_id, span_id, isSampled }: SpanContext): string {
	return `00-${trace_id}-${span_id}-${isSampled ? "01" : "00"}`;
}

const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** Returns random bytes as hexadecimal digits, which are not all zero but once in the life of the universe. */
export function randomHex(bytes: number): string {
	if (used + bytes > POOL_BYTES) {
		randomFillSync(pool);
		used = 0;
	}
	used += bytes;
	return pool.toString("hex", used - bytes, used);
}
