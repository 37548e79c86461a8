import { Counter, collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry } from "prom-client";
import { settings } from "../config/settings.ts";
import { CounterMetric, DurationMetric } from "./series.ts";

/**
 * Metrics of this process. Their names follow the semantic conventions of OpenTelemetry where those have one, and begin with
 * `toko_` otherwise. Labels have few values: a route is its pattern, an error its code.
 */
export const registry = new Registry<OpenMetricsContentType>();
registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

/** False if `METRICS_PORT=off`: then nothing is measured. */
export const isMeasured = settings.metricsPort !== undefined;

/** Interval in ms at which the delay of the event loop is sampled; shorter ones keep an idle process busy. */
export const EVENT_LOOP_SAMPLE_MS = 50;

/** Begins to measure the process itself: its memory, event loop and garbage collection. */
export function measureProcess(): void {
	collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
}

/** Bounds in seconds of durations, around the limits that the objectives of the shop name. */
const SECONDS = [0.025, 0.1, 0.25, 1];
/** Bounds in seconds of queries, of which a process has many kinds. */
const QUERY_SECONDS = [0.001, 0.01, 0.1, 1];
/** Bounds in seconds of the delay of messages, which are retried for days. */
const MAIL_SECONDS = [1, 5, 15, 60, 300, 3600];

/** Bounds in seconds of actions, of which a process has many kinds. */
const ACTION_SECONDS = [0.025, 0.25, 1];
/** Bounds in seconds of calls to other processes, which measure the same calls in more detail. */
const REMOTE_SECONDS = [1];

const BUCKETS = {
	calls: SECONDS,
	actions: ACTION_SECONDS,
	remote: REMOTE_SECONDS,
	queries: QUERY_SECONDS,
	mails: MAIL_SECONDS,
};

/** Creates a counter. */
export function counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []) {
	return new CounterMetric<L>({ name, help, labelNames, registers: [registry] });
}

/** Creates a counter whose value is read when the process is scraped. */
export function scrapedCounter(name: string, help: string, read: () => number) {
	return new Counter({
		...{ name, help, registers: [registry] },
		collect() {
			this.reset();
			this.inc(read());
		},
	});
}

/** Creates a counter with a label, whose values by label are read when the process is scraped. */
export function scrapedCounters<L extends string>(name: string, help: string, label: L, read: () => object) {
	return new Counter<L>({
		...{ name, help, labelNames: [label], registers: [registry] },
		collect() {
			this.reset();
			for (const [key, value] of Object.entries(read())) {
				this.inc({ [label]: key } as Record<L, string>, value);
			}
		},
	});
}

/** Creates a histogram of durations in seconds, whose buckets can name a trace. */
export function durations<L extends string>(
	name: string,
	help: string,
	labelNames: readonly L[],
	buckets: keyof typeof BUCKETS = "calls",
) {
	return new DurationMetric<L>({
		...{ name, help, labelNames, registers: [registry], enableExemplars: true },
		buckets: BUCKETS[buckets],
	});
}

/** Value of a gauge with its labels. */
export type Sample<L extends string> = [labels: Record<L, string>, value: number];

type Source<L extends string> = () => Sample<L>[] | Promise<Sample<L>[]>;

/** Time limit for reading a value when the process is scraped: a value that is away must not keep the others away. */
const READ_MS = 1000;
/** The same for a value that was read before, which is given instead, and at once if reading took longer the last time. */
const READ_AGAIN_MS = 3;
/** Age from which a value is not given any more. */
const OLD_MS = 60_000;

/**
 * A gauge whose values are read when the process is scraped, from sources that come and go with the services of the process.
 * A source that fails or does not respond in time has no values.
 */
export class ScrapedGauge<L extends string> {
	readonly gauge: Gauge<L>;
	#readings = new Set<Reading<L>>();

	constructor(name: string, help: string, labelNames: readonly L[]) {
		const readings = this.#readings;
		this.gauge = new Gauge<L>({
			...{ name, help, labelNames, registers: [registry] },
			async collect() {
				const samples = (await Promise.all([...readings].map((reading) => reading.read()))).flat();
				this.reset();
				if (labelNames.length === 0 && samples.length === 0) {
					// A gauge without labels is reset to zero, which would be a value.
					this.remove();
				}
				for (const [labels, value] of samples) {
					this.inc(labels, value);
				}
			},
		});
	}

	/** Adds a source; samples with equal labels are summed. Returns a function that removes it. */
	add(source: Source<L>): () => void {
		const reading = new Reading(source);
		this.#readings.add(reading);
		return () => this.#readings.delete(reading);
	}
}

/** Returns a function that shares one read among the gauges of a scrape. */
export function oncePerScrape<T>(read: () => Promise<T>): () => Promise<T> {
	let latest: { read_at: number; value: Promise<T> } | undefined;
	return () => {
		if (!latest || performance.now() - latest.read_at > READ_MS) {
			latest = { read_at: performance.now(), value: read() };
		}
		return latest.value;
	};
}

/** Reads a source, or gives what it has read before if the source is slow. */
class Reading<L extends string> {
	readonly #source: Source<L>;
	#latest: { samples: Sample<L>[]; read_at: number; took_ms: number } | undefined;
	#current: Promise<Sample<L>[]> | undefined;

	constructor(source: Source<L>) {
		this.#source = source;
	}

	async read(): Promise<Sample<L>[]> {
		const current = this.#current ?? this.#start();
		if (Array.isArray(current)) {
			return current;
		}
		const before = this.#latest;
		const isKnown = before !== undefined && performance.now() - before.read_at < OLD_MS;
		if (isKnown && before.took_ms > READ_AGAIN_MS) {
			// In a busy process, any wait lasts until the other requests have had their turn.
			return before.samples;
		}
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<Sample<L>[]>((resolve) => {
			timer = setTimeout(() => resolve(isKnown ? before.samples : []), isKnown ? READ_AGAIN_MS : READ_MS);
		});
		try {
			return await Promise.race([current, late]);
		} finally {
			clearTimeout(timer);
		}
	}

	/** Asks the source; returns what it has in memory, or a promise of what it reads. A source that fails has no values. */
	#start(): Sample<L>[] | Promise<Sample<L>[]> {
		try {
			const samples = this.#source();
			if (Array.isArray(samples)) {
				return samples;
			}
			this.#current = this.#finish(samples);
			return this.#current;
		} catch {
			return [];
		}
	}

	async #finish(reading: Promise<Sample<L>[]>): Promise<Sample<L>[]> {
		const begun = performance.now();
		const samples = await reading.catch(() => undefined);
		const read_at = performance.now();
		// After a failure the next value is waited for.
		this.#latest = { samples: samples ?? [], read_at, took_ms: samples ? read_at - begun : 0 };
		this.#current = undefined;
		return this.#latest.samples;
	}
}
