import { isDeepStrictEqual } from "node:util";
import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from "prom-client";
import { type SpanContext, sampledTrace } from "./tracing.ts";

// prom-client checks, sorts and joins the labels of every observation, which takes longer than a cached response is worth. What
// happens often is counted by its series, and added to the metric when the process is scraped.

/** A histogram whose series may be counted apart from it. */
export class DurationMetric<L extends string> extends Histogram<L> {
	readonly #series: DurationSeries<L>[] = [];

	constructor(configuration: Omit<HistogramConfiguration<L>, "collect">) {
		super({ ...configuration, collect: () => flushAll(this.#series) });
	}

	/**
	 * Returns a new series. There may be several with the same labels.
	 *
	 * @param labels All labels but `error_type`, which only failures have.
	 */
	series(labels: OwnLabels<L>): DurationSeries<L> {
		const one = new DurationSeries(this, labels);
		this.#series.push(one);
		return one;
	}
}

/** A counter whose series may be counted apart from it. */
export class CounterMetric<L extends string> extends Counter<L> {
	readonly #series: CounterSeries<L>[] = [];

	constructor(configuration: Omit<CounterConfiguration<L>, "collect">) {
		super({ ...configuration, collect: () => flushAll(this.#series) });
	}

	/** Returns a new series. There may be several with the same labels. */
	series(labels: Record<L, string>): CounterSeries<L> {
		const one = new CounterSeries(this, labels);
		this.#series.push(one);
		return one;
	}
}

function flushAll(series: readonly { flush(): void }[]): void {
	for (const one of series) {
		one.flush();
	}
}

/** Labels of what succeeded. */
export type OwnLabels<L extends string> = { [name in Exclude<L, "error_type">]: string };

/** What was counted with the same labels. */
export class CounterSeries<L extends string> {
	readonly #metric: Counter<L>;
	readonly #labels: Record<L, string>;
	/** Number since the last scrape. */
	#count = 0;

	constructor(metric: Counter<L>, labels: Record<L, string>) {
		this.#metric = metric;
		this.#labels = labels;
	}

	/** Counts one more. */
	inc(): void {
		this.#count += 1;
	}

	/** Adds what was counted to the metric. */
	flush(): void {
		if (this.#count > 0) {
			this.#metric.inc(this.#labels, this.#count);
			this.#count = 0;
		}
	}
}

/** Values that prom-client (15.1.3) stores for a combination of labels. */
interface Cell {
	labels: object;
	sum: number;
	count: number;
	bucketValues: Record<string, number>;
}

/** Interval at which a bucket gets the name of another trace. */
const EXEMPLAR_EVERY_MS = 1000;

/** Durations with the same labels. */
export class DurationSeries<L extends string> {
	readonly #metric: Histogram<L>;
	readonly #labels: OwnLabels<L>;
	/** Inclusive upper bounds of the buckets in seconds; the last one is infinite. */
	readonly #bounds: Float64Array;
	/** Numbers of durations by bucket since the last scrape, and at last their sum in seconds: close together, to be read at once. */
	readonly #values: Float64Array;
	/** Values of `performance.now()` when the buckets were given the name of a trace. */
	readonly #named_at: Float64Array;
	/** Undefined until the first scrape. */
	#cell: Cell | undefined;

	constructor(metric: Histogram<L>, labels: OwnLabels<L>) {
		const { upperBounds } = metric as unknown as { upperBounds: readonly number[] };
		this.#metric = metric;
		this.#labels = labels;
		this.#bounds = Float64Array.of(...upperBounds, Number.POSITIVE_INFINITY);
		this.#values = new Float64Array(this.#bounds.length + 1);
		this.#named_at = new Float64Array(this.#bounds.length).fill(Number.NEGATIVE_INFINITY);
	}

	/**
	 * Observes a duration. Its bucket names a trace of the last seconds that is exported.
	 *
	 * @param begun Value of `performance.now()`, as is `ended`.
	 */
	observe(begun: number, ended: number, span: SpanContext | undefined): void {
		const value = (ended - begun) / 1000;
		const bounds = this.#bounds;
		let bucket = 0;
		while (value > (bounds[bucket] as number)) {
			bucket += 1;
		}
		if (span?.isSampled && ended - (this.#named_at[bucket] as number) > EXEMPLAR_EVERY_MS) {
			this.#named_at[bucket] = ended;
			observe(this.#metric, this.#labels, value, span);
			return;
		}
		const values = this.#values;
		values[bucket] = (values[bucket] as number) + 1;
		values[bounds.length] = (values[bounds.length] as number) + value;
	}

	/** Adds the durations to the metric. */
	flush(): void {
		const values = this.#values;
		const buckets = this.#bounds.length;
		const count = values.subarray(0, buckets).reduce((sum, one) => sum + one, 0);
		if (count === 0) {
			return;
		}
		this.#cell ??= this.#findCell() ?? this.#newCell();
		const cell = this.#cell;
		cell.sum += values[buckets] as number;
		// The count of all is that of the last bucket.
		cell.count += count;
		for (const key of Object.keys(cell.bucketValues)) {
			const bucket = this.#bounds.indexOf(Number(key));
			cell.bucketValues[key] = (cell.bucketValues[key] as number) + (values[bucket] as number);
		}
		values.fill(0);
	}

	#newCell(): Cell {
		this.#metric.zero(this.#labels as never);
		return this.#findCell() as Cell;
	}

	#findCell(): Cell | undefined {
		const { hashMap } = this.#metric as unknown as { hashMap: Record<string, Cell> };
		return Object.values(hashMap).find(({ labels }) => isDeepStrictEqual(labels, this.#labels));
	}
}

/**
 * Observes the time since `begun`, a value of `performance.now()`. The bucket names the trace, if it is exported.
 *
 * @param error_type Kind of the failure, as a label; nothing for a success, which has no such label.
 * @param span Span of the operation; by default the active one.
 */
export function observeSince<L extends string>(
	metric: Histogram<L>,
	labels: OwnLabels<L>,
	begun: number,
	error_type?: string,
	span?: SpanContext,
): void {
	const all = error_type === undefined ? labels : { ...labels, error_type };
	observe(metric, all, (performance.now() - begun) / 1000, span);
}

function observe(
	metric: Histogram<string>,
	labels: Record<string, string>,
	value: number,
	span: SpanContext | undefined,
): void {
	const exemplarLabels = sampledTrace(span);
	// Its types allow only the labels of the histogram in exemplars.
	metric.observe((exemplarLabels ? { labels, value, exemplarLabels } : { labels, value }) as never);
}
