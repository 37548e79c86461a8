import type { ServiceSchema } from "moleculer";
import type { Pool } from "pg";
import { mixin } from "../broker/schema.ts";
import { PRUNE_EVERY_MS } from "../config/retention.ts";
import type { PostgresService } from "../database/postgres-service.ts";

/** Deletes a batch of expired rows; returns true if there may be more. */
export type Prune = (pool: Pick<Pool, "query">) => Promise<boolean>;

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
					for (const one of prunes) {
						while (!signal.aborted && (await one(service.pool))) {
							// Another batch.
						}
					}
				} catch (error) {
					service.logger.warn(`Old rows are deleted later: ${(error as Error).message}`);
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
