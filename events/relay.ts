import { setTimeout as wait } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type pg from "pg";
import { databaseUrl } from "../config/settings.ts";
import { BY_KEY, PostgresClient } from "../database/postgres-client.ts";
import { Saturation } from "../load/saturation.ts";
import type { ConsistencyChecker } from "./consistency.ts";
import { publishBatch } from "./outbox-batch.ts";
import {
	BATCH_EVENTS,
	estimateWaiting,
	markPublished,
	type NotedStream,
	nextEvents,
	noteConfirmed,
	notedStream,
	noteLoss,
	noteStream,
	type OutboxRow,
	pruneEvents,
	putAside,
	retryPutAside,
	type Waiting,
} from "./outbox-rows.ts";
import { hasMessage, JETSTREAM_CONNECTED, jetStreamOf, type StreamState, streamState } from "./stream.ts";
import { FAILURES_MAX, type Failed, StuckEvents } from "./stuck-events.ts";

/** Any number, the same for all of Toko: it names the lock that the relay of a database holds. */
const RELAY_LOCK = 7_706_561;
/** How often a process without the lock asks for it. */
const STANDBY_MS = 1000;
/** How often the outbox is looked at when nobody says that there is something. */
const POLL_MS = 2000;
/** PostgreSQL ends the session of a relay that has said nothing for so long: it is frozen, or cut off. */
const SILENCE_MS = 3 * POLL_MS;
/** How long PostgreSQL may take to answer. */
const QUERY_MS = 10_000;
/** Batches begin no closer together, so that many events share one. The first one in a quiet shop does not wait. */
const BATCH_EVERY_MS = 25;
/** While there is no processor time left, batches begin no closer together than this ... */
const SATURATED_EVERY_MS = 100;
/** ... and are that part of what waits that would take so long in all: as many leave as come when they wait about so long ... */
const LATE_MS = 10_000;
/** ... but not less than so many. */
const SATURATED_EVENTS = 20;
/** How long PostgreSQL may take to say goodbye. */
const CLOSE_MS = 1000;
/** How often the stream is looked at, beside each time that NATS is there again. */
const STREAM_CHECK_MS = 5000;
const PRUNE_EVERY_MS = 3_600_000;
/** After a failure, doubled each time. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2000;
/** NATS counts the headers of a message too. */
const HEADER_BYTES = 1024;

/**
 * Publishes the events of one database's outbox, as the only one of all processes: it holds an advisory lock by a session
 * of its own, with which it also reads and marks. So one that has lost its session can mark nothing; what it publishes
 * beside its successor is dropped by the stream and the inboxes.
 *
 * A batch is marked when the stream has acknowledged it. While the process or its machine is saturated, those who wait for
 * an answer come first: events, and with them mails, are then some seconds late.
 */
export class Relay {
	#database: string;
	#comparer: Pick<ConsistencyChecker, "check" | "compareAll"> | undefined;
	#broker: ServiceBroker;
	#logger: ServiceBroker["logger"];
	#stopping = new AbortController();
	#running: Promise<void> | undefined;
	#isHolder = false;
	#isWoken = false;
	#wake: () => void = () => undefined;
	#failures = 0;
	/** The epoch of JetStream in which the stream was looked at last, and when the next look is due. */
	#lookedIn = -1;
	#lookAt = 0;
	#pruneAt = 0;
	/** What was told last of the session. */
	#told: string | undefined;
	#stuck = new StuckEvents();
	#saturation: Pick<Saturation, "isSaturated">;
	/** Why events could not be published at the last try; undefined where all could. */
	failure: string | undefined;

	/** @param comparer Tells whether the database was restored from an older copy: then nothing is published. */
	constructor(
		database: string,
		broker: ServiceBroker,
		logger: ServiceBroker["logger"],
		comparer?: Pick<ConsistencyChecker, "check" | "compareAll">,
		saturation: Pick<Saturation, "isSaturated"> = new Saturation(),
	) {
		this.#comparer = comparer;
		this.#saturation = saturation;
		this.#database = database;
		this.#broker = broker;
		this.#logger = logger;
		broker.localBus.on(JETSTREAM_CONNECTED, () => this.wake());
	}

	/** Whether this process is the one that publishes. */
	get isHolder(): boolean {
		return this.#isHolder;
	}

	start(): void {
		this.#running = this.#run();
	}

	/** Looks at the outbox at once. */
	wake(): void {
		this.#isWoken = true;
		this.#wake();
	}

	/** Finishes the batch under way, then leaves the lock to another process. */
	async stop(): Promise<void> {
		this.#stopping.abort();
		this.wake();
		await this.#running;
	}

	async #run(): Promise<void> {
		while (!this.#stopping.signal.aborted) {
			const session = new PostgresClient({
				connectionString: databaseUrl(this.#database),
				query_timeout: QUERY_MS,
				session: BY_KEY,
				application_name: `toko ${this.#database} relay ${this.#broker.nodeID}`,
			});
			// A lost connection fails the next query; it is noticed at once this way.
			session.on("error", () => this.wake());
			try {
				await session.connect();
				if (await this.#takeLock(session)) {
					await this.#relay(session);
				}
			} catch (error) {
				await this.#tellOnce((error as Error).message);
			} finally {
				this.#isHolder = false;
				await this.#close(session);
			}
		}
	}

	/** The same again and again, while PostgreSQL is away, is one line. */
	async #tellOnce(failure: string): Promise<void> {
		if (!this.#stopping.signal.aborted) {
			if (failure !== this.#told) {
				this.#logger.warn(`The relay of ${this.#database} starts again: ${failure}`);
			}
			this.#told = failure;
			await this.#pause(STANDBY_MS);
		}
	}

	/** Over a connection that was cut on the way no answer comes: the lock is then what SILENCE_MS is for. */
	async #close(session: pg.Client): Promise<void> {
		await Promise.race([session.end().catch(() => undefined), wait(CLOSE_MS, undefined, { ref: false })]);
	}

	/** Waits for the lock: asking again and again, since a query that waits would keep old rows from being vacuumed. */
	async #takeLock(session: pg.Client): Promise<boolean> {
		// A batch whose mark is lost is sent again: it need not be on the disk.
		await session.query("SET synchronous_commit = off");
		// PostgreSQL 13 has none: there a frozen relay keeps its lock.
		await session.query(
			"SELECT set_config(name, $1, false) FROM pg_settings WHERE name = 'idle_session_timeout'",
			[String(SILENCE_MS)],
		);
		while (!this.#stopping.signal.aborted) {
			const { rows } = await session.query({
				name: "relay lock",
				text: "SELECT pg_try_advisory_lock($1) AS is_taken",
				values: [RELAY_LOCK],
			});
			if (rows[0]?.is_taken) {
				this.#isHolder = true;
				this.#told = undefined;
				return true;
			}
			await this.#pause(STANDBY_MS);
		}
		return false;
	}

	async #relay(session: pg.Client): Promise<void> {
		this.#logger.debug(`This process relays the events of ${this.#database}`);
		// A new session may be that of another server.
		this.#comparer?.compareAll();
		this.#lookedIn = -1;
		this.#pruneAt = Date.now() + STREAM_CHECK_MS;
		let last = Date.now();
		while (!this.#stopping.signal.aborted) {
			const begun = Date.now();
			// Behind events that NATS refuses others wait: those are found by looking far.
			const isSaturated = this.#saturation.isSaturated && this.#stuck.reason === undefined;
			const share = isSaturated ? Math.max(SATURATED_EVERY_MS, begun - last) / LATE_MS : 1;
			last = begun;
			this.#isWoken = false;
			const hasMore = await this.#turn(session, share).catch((error: Error) => this.#fail(session, error));
			if (hasMore || this.#isWoken) {
				await this.#pause((isSaturated ? SATURATED_EVERY_MS : BATCH_EVERY_MS) - (Date.now() - begun));
			} else {
				await this.#untilWoken(POLL_MS);
			}
		}
	}

	/**
	 * Publishes a batch; answers whether there may be more.
	 *
	 * @param share Of the events that wait, the part that is enough.
	 */
	async #turn(session: pg.Client, share: number): Promise<boolean> {
		const { connected_at, epoch, connection } = jetStreamOf(this.#broker);
		if (connected_at === undefined) {
			// Says that this session is alive.
			await session.query("SELECT 1");
			return false;
		}
		await this.#alive(session, this.#comparer?.check() ?? Promise.resolve());
		if (epoch !== this.#lookedIn || Date.now() > this.#lookAt) {
			await this.#lookAtStream(session, epoch);
		}
		if (Date.now() > this.#pruneAt) {
			this.#pruneAt = Date.now() + ((await pruneEvents(session)) ? POLL_MS : PRUNE_EVERY_MS);
		}
		const bytes_max = (connection.info?.max_payload ?? Infinity) - HEADER_BYTES;
		const limit = share < 1 ? batchOf(share, await estimateWaiting(session)) : BATCH_EVENTS;
		let rows: OutboxRow[] = [];
		for (const leftOut of this.#stuck.leftOut()) {
			rows = await nextEvents(session, bytes_max, leftOut, limit);
			if (rows.length > 0) {
				await this.#publish(session, rows);
				break;
			}
		}
		this.#failures = 0;
		this.#tellWaiting(this.#stuck.reason);
		return rows.length > 0;
	}

	#tellWaiting(reason: string | undefined): void {
		if (reason !== undefined && reason !== this.failure) {
			this.#logger.warn(`Events of ${this.#database} wait to be published: ${reason}`);
		}
		this.failure = reason;
	}

	/** @throws what PostgreSQL says; what NATS says is told and tried again. */
	async #fail(session: pg.Client, error: Error): Promise<boolean> {
		// PostgreSQL's own failures end the session, and with it the lock.
		await session.query("SELECT 1");
		this.#lookAt = 0;
		if (jetStreamOf(this.#broker).connected_at !== undefined) {
			this.#tellWaiting(error.message);
		}
		const pause = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
		await this.#pause(pause);
		return true;
	}

	/** Has everything that no consumer has confirmed sent again where the stream has lost something. */
	async #lookAtStream(session: pg.Client, epoch: number): Promise<void> {
		const { manager } = jetStreamOf(this.#broker);
		const state = await this.#alive(session, streamState(manager));
		const noted = await notedStream(session);
		if (!noted) {
			await noteStream(session, state.created);
		} else if (!(await this.#isWhole(session, noted, state))) {
			const events = await noteLoss(session, state.created, noted.confirmed_sequence);
			this.#logger.warn(
				`The stream of events has lost messages, or is a new one: ${events} events of ${this.#database} that no consumer has confirmed are sent again`,
			);
		} else if (
			state.confirmed_sequence !== undefined &&
			state.confirmed_sequence !== noted.confirmed_sequence
		) {
			await noteConfirmed(session, state.confirmed_sequence);
		}
		if (epoch !== this.#lookedIn) {
			await retryPutAside(session);
			this.#stuck.clear();
		}
		this.#lookedIn = epoch;
		this.#lookAt = Date.now() + STREAM_CHECK_MS;
	}

	/** Whether the stream is the one that was noted and still has the last message that was put there. */
	async #isWhole(session: pg.Client, noted: NotedStream, { created }: StreamState): Promise<boolean> {
		const { last_sequence, last_message_id } = noted;
		if (noted.created !== created || last_sequence === 0) {
			return noted.created === created;
		}
		const { manager } = jetStreamOf(this.#broker);
		return this.#alive(session, hasMessage(manager, last_sequence, last_message_id));
	}

	async #publish(session: pg.Client, rows: OutboxRow[]): Promise<void> {
		const jetStream = jetStreamOf(this.#broker);
		const { epoch } = jetStream;
		const { sent, refused, failed } = await this.#alive(session, publishBatch(jetStream.client, rows));
		if (epoch !== jetStream.epoch) {
			// Marked, these could hide that NATS came back without those before them.
			throw new Error("the connection to NATS was lost meanwhile");
		}
		if (sent.length > 0) {
			await markPublished(session, sent);
		}
		for (const { event, refusal } of refused) {
			await this.#putAside(session, event, refusal);
		}
		for (const { event, error } of this.#stuck.note(rows, failed, sent.length > 0)) {
			const refusal = `NATS did not take it ${FAILURES_MAX} times while it took others: ${error.message}`;
			await this.#putAside(session, event, refusal);
		}
		if (failed[0] && sent.length === 0) {
			throw failed[0].error;
		}
	}

	async #putAside(
		session: pg.Client,
		{ position, name, sequence, aggregate }: Failed["event"],
		refusal: string,
	) {
		await putAside(session, position, refusal);
		this.#logger.error(
			`Event ${sequence} of ${aggregate} (${JSON.stringify(name)}) was put aside, those after it go on: ${refusal}`,
		);
	}

	/** Waits for NATS, and meanwhile says that the session is alive. */
	async #alive<T>(session: pg.Client, work: Promise<T>): Promise<T> {
		let query: Promise<unknown> | undefined;
		const pulse = setInterval(() => {
			query = session.query("SELECT 1").catch(() => undefined);
		}, POLL_MS);
		return work.finally(() => {
			clearInterval(pulse);
			return query;
		});
	}

	async #untilWoken(patience_ms: number): Promise<void> {
		const timer = setTimeout(() => this.#wake(), patience_ms);
		await new Promise<void>((wake) => {
			this.#wake = wake;
		});
		clearTimeout(timer);
	}

	async #pause(pause_ms: number): Promise<void> {
		await wait(Math.max(0, pause_ms), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
	}
}

/** Turns that take longer than they should have larger batches. */
function batchOf(share: number, { events, waiting_ms }: Waiting): number {
	const least = (SATURATED_EVENTS * share * LATE_MS) / SATURATED_EVERY_MS;
	const enough = waiting_ms > LATE_MS ? BATCH_EVENTS : Math.max(Math.ceil(events * share), least);
	return Math.min(Math.round(enough), BATCH_EVENTS);
}
