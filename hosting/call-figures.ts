import { PROBLEMS } from "../contracts/problem-codes.ts";
import { type Sample, type Scrape, samplesOf } from "./scrapes.ts";

/** Calls of an action, as the processes that run it see them. */
export interface CallFigures {
	calls: number;
	/** Share of calls in percent that failed for another reason than a mistake of the caller; null without calls. */
	failed: number | null;
	/** 99th percentile of the duration in ms; null without calls. */
	p99_ms: number | null;
}

const CALLS = "rpc_server_call_duration_seconds";

/** Counts of a histogram, by upper bound in seconds. */
type Buckets = Map<number, number>;

interface Counted {
	calls: number;
	failed: number;
	buckets: Buckets;
}

/** Returns the figures of all actions with calls, of all processes together. */
export function figuresOf(scrapes: Scrape[]): Map<string, CallFigures> {
	return figures(countCalls(scrapes));
}

/**
 * Returns the figures of all actions that were called between two moments.
 *
 * @param changes Two scrapes of each process. One that has restarted in between has counted from zero.
 */
export function figuresBetween(changes: { before: Scrape; after: Scrape }[]): Map<string, CallFigures> {
	const earlier = countCalls(changes.filter(hasGoneOn).map(({ before }) => before));
	const counted = countCalls(changes.map(({ after }) => after));
	for (const [action, { calls, failed, buckets }] of earlier) {
		const now = counted.get(action);
		if (now) {
			now.calls -= calls;
			now.failed -= failed;
			for (const [bound, count] of buckets) {
				now.buckets.set(bound, (now.buckets.get(bound) ?? 0) - count);
			}
		}
	}
	return figures(counted);
}

function hasGoneOn({ before, after }: { before: Scrape; after: Scrape }): boolean {
	const [then, now] = [before, after].map((one) => samplesOf(one, "process_start_time_seconds")[0]?.value);
	return then === now;
}

function countCalls(scrapes: Scrape[]): Map<string, Counted> {
	const counted = new Map<string, Counted>();
	for (const sample of scrapes.flatMap((scrape) => samplesOf(scrape, CALLS))) {
		const action = String(sample.labels.rpc_method);
		const one = counted.get(action) ?? { calls: 0, failed: 0, buckets: new Map() };
		counted.set(action, one);
		add(one, sample);
	}
	return counted;
}

function add(counted: Counted, { metricName, labels, value }: Sample): void {
	if (metricName === `${CALLS}_count`) {
		counted.calls += value;
		counted.failed += isFailure(labels.error_type) ? value : 0;
	} else if (metricName === `${CALLS}_bucket`) {
		const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
		counted.buckets.set(bound, (counted.buckets.get(bound) ?? 0) + value);
	}
}

/** Reports whether a label of errors stands for a failure of the shop, and not for a mistake of the caller. */
function isFailure(error_type: string | number | undefined): boolean {
	if (error_type === undefined || error_type === "CLIENT") {
		return false;
	}
	return !Object.hasOwn(PROBLEMS, error_type) || PROBLEMS[error_type as keyof typeof PROBLEMS].status >= 500;
}

function figures(counted: Map<string, Counted>): Map<string, CallFigures> {
	return new Map(
		[...counted]
			.filter(([, { calls }]) => calls > 0)
			.map(([action, { calls, failed, buckets }]) => {
				const p99 = quantile(0.99, buckets);
				return [
					action,
					{
						calls,
						failed: rounded((100 * failed) / calls),
						p99_ms: p99 === undefined ? null : rounded(1000 * p99),
					},
				];
			}),
	);
}

/**
 * Returns a quantile of a histogram as Prometheus' histogram_quantile does: by linear interpolation inside of a bucket, and the
 * highest bound for values above it.
 */
export function quantile(share: number, buckets: Buckets): number | undefined {
	const ascending = [...buckets].sort(([one], [other]) => one - other);
	const rank = share * (ascending.at(-1)?.[1] ?? 0);
	if (rank === 0) {
		return undefined;
	}
	let [lower, below] = [0, 0];
	for (const [upper, count] of ascending) {
		if (count >= rank) {
			return upper === Number.POSITIVE_INFINITY
				? lower
				: lower + ((upper - lower) * (rank - below)) / (count - below);
		}
		[lower, below] = [upper, count];
	}
	return lower;
}

function rounded(value: number): number {
	return Math.round(10 * value) / 10;
}
