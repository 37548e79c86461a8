import { randomInt } from "node:crypto";
import { databaseUrl } from "../../config/settings.ts";
import { PostgresClient, PULSED } from "../../database/postgres-client.ts";
import { LEASE_LOCK, VALID_MS } from "./queue.ts";

/** How often the session says something: PostgreSQL ends one that is silent for `PULSED`. */
const PULSE_MS = 1000;
const QUERY_MS = 3000;

/**
 * The lease under which a process has messages: a number that goes into their rows, and an advisory lock of this number. When the
 * process dies, or is frozen for some seconds, PostgreSQL drops the lock, and others take its messages over some seconds later.
 *
 * A missing lock does not tell that the process is dead: the session may have broken, and a server that crashes or is replaced
 * by a replica loses all locks. The process then has `VALID_MS` to take the same lock again.
 */
export class Lease {
	#number = randomInt(1, 2 ** 31);
	#session: PostgresClient | undefined;
	/** When it was known to hold the lock, by the process's own clock. */
	#held_at = Number.NEGATIVE_INFINITY;
	/** Whether its session has the lock, as far as is known. */
	#isHeld = false;
	#isBusy = false;
	#onTaken: (number: number) => void;
	#beforeTaking: () => Promise<void>;

	/**
	 * @param onTaken Called with its number when it is there, and when another one takes the place of a lost one: messages
	 * of the lost one may be others' by now.
	 * @param beforeTaking Called whenever the database is there again, while nothing is handed over yet.
	 */
	constructor(onTaken: (number: number) => void, beforeTaking: () => Promise<void>) {
		this.#onTaken = onTaken;
		this.#beforeTaking = beforeTaking;
	}

	get number(): number {
		return this.#number;
	}

	/** Whether the messages under it are nobody else's. */
	get isValid(): boolean {
		return this.#isHeld && this.#isRecent;
	}

	/** Whether nobody can have freed it since it was held. */
	get #isRecent(): boolean {
		return performance.now() - this.#held_at < VALID_MS;
	}

	/** Takes it, as soon as the database is there, and keeps it. */
	start(): void {
		setInterval(() => this.#keep(), PULSE_MS);
		void this.#keep();
	}

	async #keep(): Promise<void> {
		if (this.#isBusy) {
			return;
		}
		this.#isBusy = true;
		try {
			const asked_at = performance.now();
			if (this.#session) {
				await this.#session.query("SELECT 1");
				this.#held_at = asked_at;
			} else {
				await this.#take();
			}
		} catch {
			// It is tried again at the next pulse.
			this.#forget();
		} finally {
			this.#isBusy = false;
		}
	}

	async #take(): Promise<void> {
		const session = new PostgresClient({
			connectionString: databaseUrl("notifications"),
			application_name: "toko notifications lease",
			session: PULSED,
			query_timeout: QUERY_MS,
		});
		this.#session = session;
		session.once("end", () => {
			if (this.#session === session) {
				this.#forget();
				void this.#keep();
			}
		});
		await session.connect();
		await this.#beforeTaking();
		const isNew = !this.#isRecent;
		if (isNew) {
			this.#number = randomInt(1, 2 ** 31);
		}
		const asked_at = performance.now();
		// Shared: a session that PostgreSQL has not noticed to be gone may hold it still.
		await session.query("SELECT pg_advisory_lock_shared($1, $2)", [LEASE_LOCK, this.#number]);
		if (!isNew && !this.#isRecent) {
			throw new Error("the lock came too late: others may have freed the lease");
		}
		if (this.#session !== session) {
			throw new Error("the session has ended");
		}
		this.#held_at = asked_at;
		this.#isHeld = true;
		if (isNew) {
			this.#onTaken(this.#number);
		}
	}

	#forget(): void {
		const session = this.#session;
		this.#session = undefined;
		// Nothing is handed over until the lock is there again.
		this.#isHeld = false;
		session?.end().catch(() => undefined);
	}
}
