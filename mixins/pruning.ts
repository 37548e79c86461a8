import type { ServiceSchema } from "moleculer";
import type { Pool } from "pg";
import { mixin } from "../broker/schema.ts";
import { PRUNE_EVERY_MS, PRUNED_AT_ONCE } from "../config/retention.ts";
import type { PostgresService } from "../database/postgres-service.ts";

/** Deletes a batch of expired rows; returns true if there may be more. */
export type Prune = (pool: Pick<Pool, "query">) => Promise<boolean>;

/**
 * Returns a function that deletes the expired rows of a table in batches. Rows locked by another transaction stay.
 *
 * @param table Name of the table, with an alias if the condition needs one.
 * @param isOld Condition for expired rows in SQL, which should be covered by an index.
 */
export function oldRows(table: string, isOld: string): Prune {
	return async (pool) => {
		const { rowCount } = await pool.query(
			`DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM ${table} WHERE ${isOld} LIMIT ${PRUNED_AT_ONCE} FOR UPDATE SKIP LOCKED
			))`,
		);
		return rowCount === PRUNED_AT_ONCE;
	};
}

/** Deletes all expired rows, until the signal is aborted. */
export async function pruneAll(
	pool: Pick<Pool, "query">,
	prunes: Prune[],
	signal: Pick<AbortSignal, "aborted">,
): Promise<void> {
	for (const prune of prunes) {
		while (!signal.aborted && (await prune(pool))) {
			// Another batch.
		}
	}
}

interface PruningService extends PostgresService {
	/** Undefined until the service has started. */
	pruning: AbortController | undefined;
}

/** Deletes expired rows of a service's database once an hour, in batches. Use it before `postgres`. */
export function pruning(...prunes: Prune[]): Partial<ServiceSchema> {
	return mixin<PruningService>({
		started(this: PruningService) {
			this.pruning = new AbortController();
			const { signal } = this.pruning;
			// At a random time in the interval, so that processes that start together do not all prune at once.
			let timer = setTimeout(prune, PRUNE_EVERY_MS * Math.random(), this);
			timer.unref();
			signal.addEventListener("abort", () => clearTimeout(timer));

			async function prune(service: PruningService): Promise<void> {
				try {
					await pruneAll(service.pool, prunes, signal);
				} catch (error) {
					service.logger.warn(`Could not delete old rows, retrying in an hour: ${(error as Error).message}`);
				}
				if (!signal.aborted) {
					timer = setTimeout(prune, PRUNE_EVERY_MS, service);
					timer.unref();
				}
			}
		},
		stopped(this: PruningService) {
			this.pruning?.abort();
		},
	});
}
