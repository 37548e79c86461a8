import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "pg";
import { isUndone } from "../errors/kinds.ts";

/** How often work is run before its conflict is the caller's. */
const TRIES = 5;
const PAUSE_MS = 10;

/**
 * Runs work that PostgreSQL undid because it conflicted with other transactions again: a deadlock (40P01), a
 * serialization failure (40001), or a change of the schema since a statement was parsed (0A000).
 *
 * @param work All of a transaction, or one statement outside of any, so that nothing of a failed try remains.
 * @returns What `work` resolves to; rejects with its last error.
 */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
	for (let tried = 1; ; tried++) {
		try {
			return await work();
		} catch (error) {
			if (tried === TRIES || !isUndone(error)) {
				throw error;
			}
			// A random pause, so that those who met do not meet again.
			await wait(PAUSE_MS * 2 ** tried * Math.random());
		}
	}
}

/** Retries conflicts of the statements that are run by `pool.query`, each a transaction of its own. */
export function retryConflictsOf(pool: Pool): void {
	const query = pool.query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
	pool.query = ((...given: unknown[]) =>
		typeof given.at(-1) === "function" ? query(...given) : retryConflicts(() => query(...given))) as never;
}
