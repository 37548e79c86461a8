import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from "prom-client";
import { type SpanContext, sampledTrace } from "./tracing.ts";

// prom-client (15.1.3) checks, sorts and joins the labels of every observation, which takes longer than a cached response is worth.
// Series count frequent events themselves, and add them to their metric when the process is scraped.

/** A histogram with series of durations in seconds. */
export class DurationMetric<L extends string> extends Histogram<L> {
	readonly #series = new Map<string, DurationSeries>();

	constructor(configuration: Omit<HistogramConfiguration<L>, "collect">) {
		super({ ...configuration, collect: () => flushAll(this.#series) });
	}

	/**
	 * Returns the series with these labels.
	 *
	 * @param labels All labels but `error_type`, which only failures have.
	 */
	series(labels: OwnLabels<L>): DurationSeries {
		const key = keyOf(this, labels);
		const series = this.#series.get(key) ?? new DurationSeries(this, labels, key);
		this.#series.set(key, series);
		return series;
	}
}

/** A counter with series. */
export class CounterMetric<L extends string> extends Counter<L> {
	readonly #series = new Map<string, CounterSeries>();

	constructor(configuration: Omit<CounterConfiguration<L>, "collect">) {
		super({ ...configuration, collect: () => flushAll(this.#series) });
	}

	/** Returns the series with these labels. */
	series(labels: Record<L, string>): CounterSeries {
		const key = keyOf(this, labels);
		const series = this.#series.get(key) ?? new CounterSeries(this, labels);
		this.#series.set(key, series);
		return series;
	}
}

/** Fields of metrics that the types of prom-client leave out. */
interface Internals {
	sortedLabelNames: string[];
	/** Bounds of the buckets of a histogram, without that of the last one, which is infinite. */
	upperBounds: readonly number[];
	/** Values by the labels, as `keyOf` joins them. */
	hashMap: Record<string, Values>;
}

/** Values of a histogram for a combination of labels. */
interface Values {
	sum: number;
	/** Number of all durations, which is that of the last bucket. */
	count: number;
	/** Numbers of durations in the buckets but the last one, by their bounds. */
	bucketValues: Record<number, number>;
}

/** Returns the key under which prom-client stores the values for these labels. */
function keyOf(metric: object, labels: Record<string, string>): string {
	const names = (metric as Internals).sortedLabelNames.filter((name) => labels[name] !== undefined);
	return names.map((name) => `${name}:${labels[name]},`).join("");
}

function flushAll(series: ReadonlyMap<string, { flush(): void }>): void {
	for (const one of series.values()) {
		one.flush();
	}
}

/** Labels of a success. */
type OwnLabels<L extends string> = { [name in Exclude<L, "error_type">]: string };

/** Counts events with the same labels. */
export class CounterSeries {
	readonly #metric: Counter;
	readonly #labels: Record<string, string>;
	/** Number since the last scrape. */
	#count = 0;

	constructor(metric: Counter, labels: Record<string, string>) {
		this.#metric = metric;
		this.#labels = labels;
	}

	/** Counts one more. */
	inc(): void {
		this.#count += 1;
	}

	/** Moves the count to the metric. */
	flush(): void {
		if (this.#count > 0) {
			this.#metric.inc(this.#labels, this.#count);
			this.#count = 0;
		}
	}
}

/** Minimum time between two exemplars of a bucket. */
const EXEMPLAR_EVERY_MS = 1000;

/** Durations with the same labels. */
export class DurationSeries {
	readonly #metric: Histogram;
	readonly #labels: Record<string, string>;
	readonly #key: string;
	/** Inclusive upper bounds of the buckets in seconds; the last one is infinite. */
	readonly #bounds: Float64Array;
	/**
	 * Numbers of durations by bucket since the last scrape, without those that became exemplars. The last element is their sum in
	 * seconds.
	 */
	readonly #values: Float64Array;
	/** Values of `performance.now()` at the last exemplars of the buckets. */
	readonly #exemplars_at: Float64Array;

	/** @param key Key of the labels in the metric. */
	constructor(metric: Histogram, labels: Record<string, string>, key: string) {
		const { upperBounds } = metric as unknown as Internals;
		this.#metric = metric;
		this.#labels = labels;
		this.#key = key;
		this.#bounds = Float64Array.of(...upperBounds, Number.POSITIVE_INFINITY);
		this.#values = new Float64Array(this.#bounds.length + 1);
		this.#exemplars_at = new Float64Array(this.#bounds.length).fill(Number.NEGATIVE_INFINITY);
	}

	/**
	 * Observes a duration. It becomes the exemplar of its bucket if its trace is exported and the last one is older than a second.
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
		if (span?.isSampled && ended - (this.#exemplars_at[bucket] as number) > EXEMPLAR_EVERY_MS) {
			this.#exemplars_at[bucket] = ended;
			observe(this.#metric, this.#labels, value, span);
			return;
		}
		const values = this.#values;
		values[bucket] = (values[bucket] as number) + 1;
		values[bounds.length] = (values[bounds.length] as number) + value;
	}

	/** Moves the durations to the metric. */
	flush(): void {
		const buckets = this.#bounds.length;
		const numbers = this.#values.subarray(0, buckets);
		const count = numbers.reduce((sum, number) => sum + number, 0);
		if (count === 0) {
			return;
		}
		const { hashMap, upperBounds } = this.#metric as unknown as Internals;
		if (!hashMap[this.#key]) {
			this.#metric.zero(this.#labels);
		}
		const values = hashMap[this.#key] as Values;
		values.sum += this.#values[buckets] as number;
		values.count += count;
		for (const [place, bound] of upperBounds.entries()) {
			values.bucketValues[bound] = (values.bucketValues[bound] as number) + (numbers[place] as number);
		}
		this.#values.fill(0);
	}
}

/**
 * Observes the time since `begun`, a value of `performance.now()`. It becomes the exemplar of its bucket if its trace is exported.
 *
 * @param error_type Kind of the failure, as a label; nothing for a success, which has no such label.
 */
export function observeSince<L extends string>(
	metric: Histogram<L>,
	labels: OwnLabels<L>,
	begun: number,
	error_type?: string,
): void {
	const all = error_type === undefined ? labels : { ...labels, error_type };
	observe(metric, all, (performance.now() - begun) / 1000);
}

function observe(
	metric: Histogram<string>,
	labels: Record<string, string>,
	value: number,
	span?: SpanContext,
): void {
	const exemplarLabels = sampledTrace(span);
	// Its types allow only the labels of the histogram in exemplars.
	metric.observe((exemplarLabels ? { labels, value, exemplarLabels } : { labels, value }) as never);
}
