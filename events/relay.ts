import { setTimeout as wait } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type pg from "pg";
import { PRUNE_EVERY_MS } from "../config/retention.ts";
import { databaseUrl } from "../config/settings.ts";
import { BY_KEY, PostgresClient } from "../database/postgres-client.ts";
import { type RepeatedFailure, repeatedFailure } from "../errors/repeated-failure.ts";
import { Saturation } from "../load/saturation.ts";
import { JETSTREAM_CONNECTED } from "../nats/client.ts";
import { eventsPublished } from "../observability/metrics.ts";
import type { ConsistencyChecker } from "./consistency.ts";
import { publishBatch } from "./outbox-batch.ts";
import {
	BATCH_EVENTS,
	estimateWaiting,
	markPublished,
	nextEvents,
	type OutboxRow,
	pruneEvents,
	putAside,
	type RecordedStream,
	recordConfirmed,
	recordedStream,
	recordLoss,
	recordStream,
	retryPutAside,
	type Waiting,
} from "./outbox-rows.ts";
import { hasMessage, jetStreamOf, type StreamState, streamState } from "./stream.ts";
import { FAILURES_MAX, type Failed, StuckEvents } from "./stuck-events.ts";

/** Id of the advisory lock that the relay of a database holds: an arbitrary number, the same in all of Toko. */
const RELAY_LOCK = 7_706_561;
/** Interval at which a standby process tries to take the lock. */
const STANDBY_MS = 1000;
/** Interval at which the outbox is polled without a wake-up. */
const POLL_MS = 2000;
/** Silence after which PostgreSQL ends the session of a relay, which is then frozen or disconnected. */
const SILENCE_MS = 3 * POLL_MS;
/** Time limit for a query. */
const QUERY_MS = 10_000;
/**
 * Minimum interval between batches, so that many events share one. The first event after a quiet time does not wait.
 */
const BATCH_EVERY_MS = 25;
/** Time over which the backlog is spread under saturation; in equilibrium, events wait about that long. */
const LATE_MS = 10_000;
/** Minimum number of events a second under saturation. */
const MIN_PER_SECOND = 200;
/** Time limit for closing the session. */
const CLOSE_MS = 1000;
/** Interval between checks of the stream, in addition to one after each reconnect to NATS. */
const STREAM_CHECK_MS = 5000;
/** Backoff after a failure, doubled each time. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2000;
/** Reserve for the headers of a message, which NATS counts too. */
const HEADER_BYTES = 1024;

/**
 * Publishes the events of one database's outbox. Only one of all processes does so: it holds an advisory lock in a
 * session of its own, by which it also reads and marks events. So a relay that has lost its session can mark nothing,
 * and the stream and the inboxes drop the duplicates that it publishes concurrently with its successor.
 *
 * A batch is marked once the stream has acknowledged it. While the process or its machine is saturated, requests take
 * precedence: events, and with them mails, are then some seconds late.
 */
export class Relay {
	#database: string;
	#consistency: Pick<ConsistencyChecker, "check" | "compareAll"> | undefined;
	#broker: ServiceBroker;
	#logger: ServiceBroker["logger"];
	#stopping = new AbortController();
	#running: Promise<void> | undefined;
	#isHolder = false;
	#isWoken = false;
	#wake: () => void = () => undefined;
	#failures = 0;
	/** JetStream epoch of the last check of the stream, and time of the next one. */
	#checkedEpoch = -1;
	#next_check_at = 0;
	#next_prune_at = 0;
	/** Last logged failure of the session. */
	readonly #failure: RepeatedFailure;
	#stuck = new StuckEvents();
	#saturation: Pick<Saturation, "isSaturated">;
	/** Reason why events could not be published at the last try; undefined if all could. */
	failure: string | undefined;

	/** @param consistency Detects that the database was restored from an older copy; nothing is published then. */
	constructor(
		database: string,
		broker: ServiceBroker,
		logger: ServiceBroker["logger"],
		consistency?: Pick<ConsistencyChecker, "check" | "compareAll">,
		saturation: Pick<Saturation, "isSaturated"> = new Saturation(),
	) {
		this.#consistency = consistency;
		this.#saturation = saturation;
		this.#database = database;
		this.#broker = broker;
		this.#logger = logger;
		this.#failure = repeatedFailure((message) => {
			logger.warn(`The relay of ${database} is restarting: ${message}`);
		});
		broker.localBus.on(JETSTREAM_CONNECTED, () => this.wake());
	}

	/** True if this process is the one that publishes. */
	get isHolder(): boolean {
		return this.#isHolder;
	}

	start(): void {
		this.#running = this.#run();
	}

	/** Checks the outbox at once. */
	wake(): void {
		this.#isWoken = true;
		this.#wake();
	}

	/** Finishes the batch in flight, then releases the lock to another process. */
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
			// A lost connection fails the next query; waking the relay makes it notice at once.
			session.on("error", () => this.wake());
			try {
				await session.connect();
				if (await this.#takeLock(session)) {
					await this.#relay(session);
				}
			} catch (error) {
				if (!this.#stopping.signal.aborted) {
					this.#failure.failed(error);
					await this.#pause(STANDBY_MS);
				}
			} finally {
				this.#isHolder = false;
				await this.#close(session);
			}
		}
	}

	/**
	 * Closes the session. Over a broken connection there is no response; PostgreSQL then frees the lock after SILENCE_MS.
	 */
	async #close(session: pg.Client): Promise<void> {
		await Promise.race([session.end().catch(() => undefined), wait(CLOSE_MS, undefined, { ref: false })]);
	}

	/** Polls for the lock, since a query that waits for it would keep old rows from being vacuumed. */
	async #takeLock(session: pg.Client): Promise<boolean> {
		// A batch whose mark is lost is published again, so the mark need not be on disk.
		await session.query("SET synchronous_commit = off");
		// PostgreSQL 13 lacks this parameter: there, a frozen relay holds its lock.
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
				this.#failure.succeeded();
				return true;
			}
			await this.#pause(STANDBY_MS);
		}
		return false;
	}

	async #relay(session: pg.Client): Promise<void> {
		this.#logger.debug(`This process relays the events of ${this.#database}`);
		// A new session may belong to another server.
		this.#consistency?.compareAll();
		this.#checkedEpoch = -1;
		this.#next_prune_at = Date.now() + STREAM_CHECK_MS;
		let last = Date.now();
		while (!this.#stopping.signal.aborted) {
			const started_at = Date.now();
			// Other events wait behind those that NATS rejects, and are found only by looking far ahead.
			const isSaturated = this.#saturation.isSaturated && this.#stuck.reason === undefined;
			const share = isSaturated ? Math.max(BATCH_EVERY_MS, started_at - last) / LATE_MS : 1;
			last = started_at;
			this.#isWoken = false;
			const hasMore = await this.#turn(session, share).catch((error: Error) => this.#fail(session, error));
			if (hasMore || this.#isWoken) {
				await this.#pause(BATCH_EVERY_MS - (Date.now() - started_at));
			} else {
				await this.#untilWoken(POLL_MS);
			}
		}
	}

	/**
	 * Publishes a batch; returns true if there may be more.
	 *
	 * @param share Fraction of the waiting events that is enough for this batch.
	 */
	async #turn(session: pg.Client, share: number): Promise<boolean> {
		const { connected_at, epoch, connection } = jetStreamOf(this.#broker);
		if (connected_at === undefined) {
			// Keeps the session alive.
			await session.query("SELECT 1");
			return false;
		}
		await this.#keepAlive(session, this.#consistency?.check() ?? Promise.resolve());
		if (epoch !== this.#checkedEpoch || Date.now() > this.#next_check_at) {
			await this.#checkStream(session, epoch);
		}
		if (Date.now() > this.#next_prune_at) {
			this.#next_prune_at = Date.now() + ((await pruneEvents(session)) ? POLL_MS : PRUNE_EVERY_MS);
		}
		const bytes_max = (connection.info?.max_payload ?? Infinity) - HEADER_BYTES;
		const limit = share < 1 ? batchOf(share, await estimateWaiting(session)) : BATCH_EVENTS;
		let rows: OutboxRow[] = [];
		for (const excluded of this.#stuck.excluded()) {
			rows = await nextEvents(session, bytes_max, excluded, limit, share < 1);
			if (rows.length > 0) {
				await this.#publish(session, rows);
				break;
			}
		}
		this.#failures = 0;
		this.#reportWaiting(this.#stuck.reason);
		return rows.length > 0;
	}

	#reportWaiting(reason: string | undefined): void {
		if (reason !== undefined && reason !== this.failure) {
			this.#logger.warn(`Events of ${this.#database} are waiting to be published: ${reason}`);
		}
		this.failure = reason;
	}

	/** @throws Errors of PostgreSQL. Errors of NATS are logged and retried. */
	async #fail(session: pg.Client, error: Error): Promise<boolean> {
		// If PostgreSQL has failed, this ends the session, and with it the lock.
		await session.query("SELECT 1");
		this.#next_check_at = 0;
		if (jetStreamOf(this.#broker).connected_at !== undefined) {
			this.#reportWaiting(error.message);
		}
		const pause = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
		await this.#pause(pause);
		return true;
	}

	/** Makes all events that no consumer has confirmed wait again if the stream has lost messages. */
	async #checkStream(session: pg.Client, epoch: number): Promise<void> {
		const { manager } = jetStreamOf(this.#broker);
		const state = await this.#keepAlive(session, streamState(manager));
		const recorded = await recordedStream(session);
		if (!recorded) {
			await recordStream(session, state.created);
		} else if (!(await this.#isWhole(session, recorded, state))) {
			const events = await recordLoss(session, state.created, recorded.confirmed_sequence);
			this.#logger.warn(
				`The stream of events has lost messages or is new: ${events} events of ${this.#database} that not every consumer has confirmed are published again`,
			);
		} else if (
			state.confirmed_sequence !== undefined &&
			state.confirmed_sequence !== recorded.confirmed_sequence
		) {
			await recordConfirmed(session, state.confirmed_sequence);
		}
		if (epoch !== this.#checkedEpoch) {
			await retryPutAside(session);
			this.#stuck.clear();
		}
		this.#checkedEpoch = epoch;
		this.#next_check_at = Date.now() + STREAM_CHECK_MS;
	}

	/** Reports whether the stream is the recorded one and still has the last message that was published. */
	async #isWhole(session: pg.Client, recorded: RecordedStream, { created }: StreamState): Promise<boolean> {
		const { last_sequence, last_message_id } = recorded;
		if (recorded.created !== created || last_sequence === 0) {
			return recorded.created === created;
		}
		const { manager } = jetStreamOf(this.#broker);
		return this.#keepAlive(session, hasMessage(manager, last_sequence, last_message_id));
	}

	async #publish(session: pg.Client, rows: OutboxRow[]): Promise<void> {
		const jetStream = jetStreamOf(this.#broker);
		const { epoch } = jetStream;
		const { sent, refused, failed } = await this.#keepAlive(session, publishBatch(jetStream.client, rows));
		if (epoch !== jetStream.epoch) {
			// Marked as published, these events could hide that NATS came back without their predecessors.
			throw new Error("the connection to NATS was lost meanwhile");
		}
		if (sent.length > 0) {
			await markPublished(session, sent);
			for (const { name } of sent) {
				eventsPublished.inc({ service: this.#database, event: name });
			}
		}
		for (const { event, refusal } of refused) {
			await this.#putAside(session, event, refusal);
		}
		for (const { event, error } of this.#stuck.record(rows, failed, sent.length > 0)) {
			const refusal = `NATS rejected it ${FAILURES_MAX} times while it accepted others: ${error.message}`;
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
			`Event ${sequence} of ${aggregate} (${JSON.stringify(name)}) was put aside, later ones proceed: ${refusal}`,
		);
	}

	/** Waits for NATS and keeps the session alive meanwhile. */
	async #keepAlive<T>(session: pg.Client, work: Promise<T>): Promise<T> {
		let query: Promise<unknown> | undefined;
		const pulse = setInterval(() => {
			query = session.query("SELECT 1").catch(() => undefined);
		}, POLL_MS);
		return work.finally(() => {
			clearInterval(pulse);
			return query;
		});
	}

	async #untilWoken(timeout_ms: number): Promise<void> {
		const timer = setTimeout(() => this.#wake(), timeout_ms);
		await new Promise<void>((wake) => {
			this.#wake = wake;
		});
		clearTimeout(timer);
	}

	async #pause(pause_ms: number): Promise<void> {
		await wait(Math.max(0, pause_ms), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
	}
}

/** Returns the batch size under saturation: turns that take longer than planned have larger batches. */
function batchOf(share: number, { events, waiting_ms }: Waiting): number {
	const min = (MIN_PER_SECOND * share * LATE_MS) / 1000;
	const enough = waiting_ms > LATE_MS ? BATCH_EVENTS : Math.max(Math.ceil(events * share), min);
	return Math.min(Math.round(enough), BATCH_EVENTS);
}
