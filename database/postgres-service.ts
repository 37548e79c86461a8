import type { Service } from "moleculer";
import type pg from "pg";

/** What the `postgres` mixin adds to a service. */
export interface PostgresService extends Service {
	pool: pg.Pool;
	migrate(): Promise<void>;
	/**
	 * Runs `work` in one transaction: commits when it resolves, rolls back when it throws. In a conflict with other
	 * transactions it runs again, so it does nothing outside of the transaction.
	 */
	transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}
