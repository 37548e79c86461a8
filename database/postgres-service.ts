import type { Service } from "moleculer";
import type pg from "pg";

/** Members that the `postgres` mixin adds to a service. */
export interface PostgresService extends Service {
	pool: pg.Pool;
	migrate(): Promise<void>;
	/**
	 * Runs `work` in a transaction: commits when it resolves, rolls back when it throws. `work` is retried after a
	 * conflict with other transactions, so it must have no effect outside of the transaction.
	 */
	transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}
