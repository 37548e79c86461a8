import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "pg";
import { isUndone } from "../errors/kinds.ts";

/** Maximum number of attempts before the caller gets the conflict. */
const TRIES = 5;
const PAUSE_MS = 10;

/**
 * Retries work that PostgreSQL rolled back because of a conflict with other transactions: a deadlock (40P01), a
 * serialization failure (40001), or a change of the schema since a statement was parsed (0A000).
 *
 * @param work A whole transaction, or one statement outside of any, so that a failed attempt leaves no trace.
 * @returns The result of `work`; rejects with the error of the last attempt.
 */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			if (attempt === TRIES || !isUndone(error)) {
				throw error;
			}
			// A random backoff, so that the same transactions do not conflict again.
			await wait(PAUSE_MS * 2 ** attempt * Math.random());
		}
	}
}

/** Retries conflicts of the statements run by `pool.query`; each is its own transaction. */
export function retryConflictsOf(pool: Pool): void {
	const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
	pool.query = ((...args: unknown[]) =>
		typeof args.at(-1) === "function" ? query(...args) : retryConflicts(() => query(...args))) as never;
}
