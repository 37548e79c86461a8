import type pg from "pg";
import { PostgresClient } from "../../mixins/postgres-client.ts";
import { databaseUrl } from "../../mixins/settings.ts";

/** Who waits longer for a twin goes on beside it: that is right too, only wasteful. */
const PATIENCE_MS = 2000;
const LOOK_EVERY_MS = 25;

/**
 * Lets requests with the same key go one after the other, over all processes: a second one that ran beside the first would
 * hold the same units once more until the key decides, and others would be refused what is there. Nothing depends on it:
 * where the database does not answer, or a twin takes too long, a request goes on alone.
 *
 * A lock is one of PostgreSQL's, of a session that ends with its process.
 */
export class KeyLocks {
	#session: Promise<pg.Client> | undefined;
	#held = new Set<string>();

	/** @param work Is told whether there was another one before it. */
	async alone<T>(key: string, work: (wasSecond: boolean) => Promise<T>): Promise<T> {
		const deadline = performance.now() + PATIENCE_MS;
		let wasSecond = false;
		while (!(await this.#take(key))) {
			wasSecond = true;
			if (performance.now() > deadline) {
				return work(wasSecond);
			}
			await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
		}
		try {
			return await work(wasSecond);
		} finally {
			// Nobody waits for this: the answer is there.
			void this.#release(key);
		}
	}

	async close(): Promise<void> {
		const session = await this.#session?.catch(() => undefined);
		await session?.end().catch(() => undefined);
	}

	async #take(key: string): Promise<boolean> {
		// A session may take its own lock again.
		if (this.#held.has(key)) {
			return false;
		}
		this.#held.add(key);
		const isTaken = await this.#ask("SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS done", key);
		if (!isTaken) {
			this.#held.delete(key);
		}
		return isTaken;
	}

	async #release(key: string): Promise<void> {
		await this.#ask("SELECT pg_advisory_unlock(hashtextextended($1, 0)) AS done", key);
		this.#held.delete(key);
	}

	async #ask(sql: string, key: string): Promise<boolean> {
		try {
			const session = await this.#open();
			const { rows } = await session.query<{ done: boolean }>(sql, [key]);
			return rows[0]?.done === true;
		} catch {
			return true;
		}
	}

	#open(): Promise<pg.Client> {
		this.#session ??= connect(() => {
			this.#session = undefined;
		});
		return this.#session;
	}
}

async function connect(forget: () => void): Promise<pg.Client> {
	const session = new PostgresClient({
		connectionString: databaseUrl("orders"),
		connectionTimeoutMillis: PATIENCE_MS,
		query_timeout: PATIENCE_MS,
		application_name: "toko orders keys",
	});
	session.on("error", forget);
	session.on("end", forget);
	try {
		await session.connect();
		return session;
	} catch (error) {
		forget();
		throw error;
	}
}
