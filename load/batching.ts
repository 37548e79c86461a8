import { setTimeout as wait } from "node:timers/promises";
import DataLoader from "dataloader";
import pLimit from "p-limit";
import { DatabaseError } from "pg";

export interface BatchingOptions {
	/** The largest number of items in a batch. */
	max?: number;
	/** How many batches are under way at the same time, at most. */
	atOnce?: number;
	/** Batches begin no closer together, so that many calls share one. One that comes alone does not wait. */
	every_ms?: number;
}

/**
 * Combines calls into batches: those that come while `atOnce` batches are under way make up the next one. So a call that
 * comes alone does not wait, and the more calls there are the less each costs.
 *
 * @param work Answers one result or `Error` for each item, in their order; where it throws, every item of the batch fails.
 */
export function batched<Item, Result>(
	work: (items: readonly Item[]) => Promise<(Result | Error)[]>,
	{ max = 100, atOnce = 1, every_ms = 0 }: BatchingOptions = {},
): (item: Item) => Promise<Result> {
	const limit = pLimit(atOnce);
	let finish: () => void = () => undefined;
	let begun_at = Number.NEGATIVE_INFINITY;
	const loader = new DataLoader<Item, Result>(
		(items) => {
			const finished = finish;
			// A rejection is for the callers, by their items.
			return work(items).finally(finished);
		},
		{
			cache: false,
			maxBatchSize: max,
			batchScheduleFn: (dispatch) => {
				void limit(async () => {
					const early_ms = begun_at + every_ms - performance.now();
					if (early_ms > 0) {
						await wait(early_ms);
					}
					begun_at = performance.now();
					await new Promise<void>((resolve) => {
						finish = resolve;
						// Calls the loader's function before it returns, which takes this `finish` and no other batch's.
						dispatch();
					});
				});
			},
		},
	);
	return (item) => loader.load(item);
}

/** SQLSTATEs that say nothing of the statement: the connection (08), and the server going down or up (57P). */
const CONNECTION_STATES = /^(08|57P)/;

/**
 * As `batched`, for one SQL statement that does the work of a whole batch or none of it: where PostgreSQL refuses it, each
 * item is tried alone, so that one does not fail the others.
 *
 * @param work Answers one result for each item, in their order.
 */
export function batchedStatement<Item, Result>(
	work: (items: readonly Item[]) => Promise<Result[]>,
	options?: BatchingOptions,
): (item: Item) => Promise<Result> {
	return batched<Item, Result>(async (items) => {
		try {
			return await work(items);
		} catch (error) {
			const isRefused = error instanceof DatabaseError && !CONNECTION_STATES.test(error.code ?? "");
			if (items.length === 1 || !isRefused) {
				throw error;
			}
			return Promise.all(items.map((item) => work([item]).then(([result]) => result as Result, asError)));
		}
	}, options);
}

function asError(thrown: unknown): Error {
	return thrown as Error;
}
