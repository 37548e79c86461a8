import { randomInt } from "node:crypto";
import { databaseUrl } from "../../config/settings.ts";
import { HEARTBEAT_SESSION, PostgresClient } from "../../database/postgres-client.ts";
import { LEASE_LOCK, VALID_MS } from "./queue.ts";

/** Interval between keep-alive queries: PostgreSQL ends an idle session with the settings `HEARTBEAT_SESSION`. */
const HEARTBEAT_MS = 1000;
const QUERY_MS = 3000;

/**
 * The lease under which a process owns messages: a number in their rows, and an advisory lock of this number. If the
 * process dies, or is frozen for some seconds, PostgreSQL releases the lock, and other processes take over its messages
 * some seconds later.
 *
 * A missing lock does not prove that the process is dead: its session may be lost, and a server that crashes or fails
 * over to a replica loses all locks. The process then has `VALID_MS` to take the same lock again.
 */
export class Lease {
	#number = randomInt(1, 2 ** 31);
	#session: PostgresClient | undefined;
	/** Last time at which it certainly held the lock, by the process's own clock. */
	#held_at = Number.NEGATIVE_INFINITY;
	/** True if its session has the lock, as far as is known. */
	#isHeld = false;
	#isBusy = false;
	#onTaken: (number: number) => void;
	#beforeTaking: () => Promise<void>;

	/**
	 * @param onTaken Called with the number when the lease is taken, and when a new lease replaces a lost one, whose
	 * messages other processes may own by now.
	 * @param beforeTaking Called whenever the database is available again, before messages are sent.
	 */
	constructor(onTaken: (number: number) => void, beforeTaking: () => Promise<void>) {
		this.#onTaken = onTaken;
		this.#beforeTaking = beforeTaking;
	}

	get number(): number {
		return this.#number;
	}

	/** True if no other process owns the messages of the lease. */
	get isValid(): boolean {
		return this.#isHeld && this.#isRecent;
	}

	/** True if no process can have freed the lease since it was last held. */
	get #isRecent(): boolean {
		return performance.now() - this.#held_at < VALID_MS;
	}

	/** Takes the lease as soon as the database is available, and renews it. */
	start(): void {
		setInterval(() => this.#keep(), HEARTBEAT_MS);
		void this.#keep();
	}

	async #keep(): Promise<void> {
		if (this.#isBusy) {
			return;
		}
		this.#isBusy = true;
		try {
			const sent_at = performance.now();
			if (this.#session) {
				await this.#session.query("SELECT 1");
				this.#held_at = sent_at;
			} else {
				await this.#take();
			}
		} catch {
			// Retried at the next keep-alive.
			this.#drop();
		} finally {
			this.#isBusy = false;
		}
	}

	async #take(): Promise<void> {
		const session = new PostgresClient({
			connectionString: databaseUrl("notifications"),
			application_name: "toko notifications lease",
			session: HEARTBEAT_SESSION,
			query_timeout: QUERY_MS,
		});
		this.#session = session;
		session.once("end", () => {
			if (this.#session === session) {
				this.#drop();
				void this.#keep();
			}
		});
		await session.connect();
		await this.#beforeTaking();
		const isNew = !this.#isRecent;
		if (isNew) {
			this.#number = randomInt(1, 2 ** 31);
		}
		const sent_at = performance.now();
		// Shared, because a lost session may still hold it until PostgreSQL notices.
		await session.query("SELECT pg_advisory_lock_shared($1, $2)", [LEASE_LOCK, this.#number]);
		if (!isNew && !this.#isRecent) {
			throw new Error("the lock came too late: others may have freed the lease");
		}
		if (this.#session !== session) {
			throw new Error("the session has ended");
		}
		this.#held_at = sent_at;
		this.#isHeld = true;
		if (isNew) {
			this.#onTaken(this.#number);
		}
	}

	#drop(): void {
		const session = this.#session;
		this.#session = undefined;
		// No messages are sent until the lock is held again.
		this.#isHeld = false;
		session?.end().catch(() => undefined);
	}
}
