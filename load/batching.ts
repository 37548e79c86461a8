import { setTimeout as wait } from "node:timers/promises";
import DataLoader from "dataloader";
import pLimit from "p-limit";
import { isRejection } from "../errors/kinds.ts";
import { activeSpans, type SpanContext, withSpans } from "../observability/tracing.ts";

export interface BatchingOptions {
	/** Maximum number of items in a batch. */
	max?: number;
	/** Maximum number of batches in flight. */
	concurrency?: number;
	/** Minimum interval between the starts of two batches, so that many calls share one. A single call does not wait. */
	every_ms?: number;
}

/**
 * Combines calls into batches: calls that arrive while `concurrency` batches are in flight form the next one. So a single
 * call does not wait, and the cost of each call falls as their number rises. A batch belongs to the traces of all its calls.
 *
 * @param work Returns one result or `Error` for each item, in their order; if it throws, every item of the batch fails.
 */
export function batched<Item, Result>(
	work: (items: readonly Item[]) => Promise<(Result | Error)[]>,
	{ max = 100, concurrency = 1, every_ms = 0 }: BatchingOptions = {},
): (item: Item) => Promise<Result> {
	const limit = pLimit(concurrency);
	let finish: () => void = () => undefined;
	let started_at = Number.NEGATIVE_INFINITY;
	const loader = new DataLoader<{ item: Item; spans: readonly SpanContext[] }, Result>(
		(calls) => {
			const finished = finish;
			const spans = [...new Set(calls.flatMap(({ spans }) => spans))];
			// Callers handle a rejection through the promises of their items.
			return withSpans(spans, () => work(calls.map(({ item }) => item))).finally(finished);
		},
		{
			cache: false,
			maxBatchSize: max,
			batchScheduleFn: (dispatch) => {
				void limit(async () => {
					const early_ms = started_at + every_ms - performance.now();
					if (early_ms > 0) {
						await wait(early_ms);
					}
					started_at = performance.now();
					await new Promise<void>((resolve) => {
						finish = resolve;
						// `dispatch` synchronously calls the loader's function, which so takes this batch's `finish`.
						dispatch();
					});
				});
			},
		},
	);
	return (item) => loader.load({ item, spans: activeSpans() });
}

/**
 * Like `batched`, for one SQL statement that does the work of a whole batch or nothing: if PostgreSQL rejects it, each
 * item is tried alone, so that one does not fail the others.
 *
 * @param work Returns one result for each item, in their order.
 */
export function batchedStatement<Item, Result>(
	work: (items: readonly Item[]) => Promise<Result[]>,
	options?: BatchingOptions,
): (item: Item) => Promise<Result> {
	return batched<Item, Result>(async (items) => {
		try {
			return await work(items);
		} catch (error) {
			if (items.length === 1 || !isRejection(error)) {
				throw error;
			}
			return Promise.all(items.map((item) => work([item]).then(([result]) => result as Result, asError)));
		}
	}, options);
}

function asError(thrown: unknown): Error {
	return thrown as Error;
}
