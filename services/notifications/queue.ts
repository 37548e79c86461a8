import type { Pool } from "pg";
import type { EventEnvelope } from "../../contracts/actions.ts";
import type { ChannelName } from "./channel.ts";
import type { NotificationRow } from "./model.ts";

// The queue of messages: a row of `notifications` with the status `queued` is to be sent, from `send_at` on, by the
// process whose lease it has.

type Session = Pick<Pool, "query">;

/** A message of an event to be queued. */
export interface Due {
	event: EventEnvelope;
	type: string;
	channel: ChannelName;
	/** True if it is sent only if the user has a phone. */
	is_tentative: boolean;
}

/** A leased row, with the data needed to send it. */
export type Leased = Pick<NotificationRow, "id" | "user_id" | "channel" | "history" | "created_at"> & {
	data: EventEnvelope;
	is_tentative: boolean;
};

/**
 * Maximum backoff in seconds: e to the power of the failures, at most the first value; after
 * `MANY_FAILURES`, the second.
 */
const BACKOFF_MAX_SECONDS = 30;
const MANY_FAILURES = 30;
const BACKOFF_MANY_SECONDS = 180;

/**
 * Validity of a lease after the last response of the server, which may have lost the lock meanwhile. Other processes
 * free the lease only after it has been without a lock for longer.
 */
export const VALID_MS = 5000;
/** With a margin, because clocks differ in speed. */
const GONE_AFTER_MS = VALID_MS + 1000;
/** Maximum interval between two checks from which it can be concluded that a lease had no lock in between. */
const CHECKS_APART_MS = 2 * VALID_MS;

/** An arbitrary number, the same in all of Toko: with the number of a lease it identifies an advisory lock. */
export const LEASE_LOCK = 7_706_562;

/** SQL: those of some leases ($2) that have no lock. */
const UNLOCKED = `SELECT lease FROM unnest($2::integer[]) AS lease
	WHERE NOT EXISTS (
		SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND objsubid = 2
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid = $1::oid AND objid = lease::oid
	)`;

/**
 * SQL: does not wait for the disk. A power failure may undo the last half second of leases and marks, which is no worse
 * than a kill.
 */
const ASYNC_COMMIT = "quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))";

/** SQL: the first entry of a history. */
const QUEUED = (at: string) => `jsonb_build_object('status', 'queued', 'at', ${at})`;

/**
 * Queues messages, each once. Their ids are derived from their events, so that the recipient's server can detect
 * duplicates. Messages of one aggregate have times a millisecond apart, in the order of their events.
 */
export async function enqueue(session: Session, messages: Due[]): Promise<void> {
	await session.query(
		`WITH present AS MATERIALIZED (SELECT clock_timestamp() AS at)
		INSERT INTO notifications
			(id, event_id, user_id, type, channel, aggregate, data, history, created_at, send_at, is_tentative)
		SELECT md5(event_id || ' ' || type || ' ' || channel)::uuid, event_id::uuid, user_id, type, channel, aggregate,
			data, jsonb_build_array(${QUEUED("present.at")}),
			present.at + interval '1 ms' * (row_number() OVER (PARTITION BY aggregate, channel ORDER BY place) - 1),
			present.at, is_tentative
		FROM present, unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::boolean[])
			WITH ORDINALITY AS m (event_id, user_id, type, channel, aggregate, data, is_tentative, place)
		ON CONFLICT DO NOTHING`,
		[
			messages.map(({ event }) => event.id),
			messages.map(({ event }) => event.data.user_id),
			messages.map(({ type }) => type),
			messages.map(({ channel }) => channel),
			messages.map(({ event }) => event.aggregate),
			messages.map(({ event }) => JSON.stringify(event)),
			messages.map(({ is_tentative }) => is_tentative),
		],
	);
}

/** Leases due messages, the oldest first; concurrent calls skip them. */
export async function leaseDue(
	session: Session,
	channel: ChannelName,
	lease: number,
	limit: number,
): Promise<Leased[]> {
	const { rows } = await session.query<{ row: Leased }>(
		`WITH ${ASYNC_COMMIT}, due AS MATERIALIZED (
			SELECT id FROM notifications
			WHERE status = 'queued' AND leased_by IS NULL AND channel = $1 AND send_at <= now() AND data IS NOT NULL
				AND (SELECT true FROM quickly)
			ORDER BY send_at LIMIT $3 FOR UPDATE SKIP LOCKED
		)
		UPDATE notifications n SET leased_by = $2, leased_at = now()
		FROM due WHERE n.id = due.id
		RETURNING jsonb_build_object('id', n.id, 'user_id', user_id, 'channel', channel, 'history', history,
			'created_at', created_at, 'data', data, 'is_tentative', is_tentative) AS row`,
		[channel, lease, limit],
	);
	return rows.map(({ row }) => row).sort((one, other) => one.created_at.localeCompare(other.created_at));
}

/** The state of the queue. */
export interface Waiting {
	/** Time until the next message of a channel is due, in milliseconds; null if there is none. */
	next: Record<ChannelName, number | null>;
	/** Leases that have messages. */
	leases: number[];
}

/** Returns the state of the queue; cheap, since it reads two partial indexes only. */
export async function queueState(session: Session): Promise<Waiting> {
	const next = (channel: ChannelName) => `(
		SELECT greatest(extract(epoch FROM min(send_at) - now()), 0)::float8 * 1000 FROM notifications
		WHERE status = 'queued' AND leased_by IS NULL AND channel = '${channel}'
	)`;
	const { rows } = await session.query<{ email: number | null; sms: number | null; leases: number[] }>(
		`SELECT ${next("email")} AS email, ${next("sms")} AS sms, ARRAY(
			SELECT DISTINCT leased_by FROM notifications WHERE status = 'queued' AND leased_by IS NOT NULL
		) AS leases`,
	);
	const { email = null, sms = null, leases = [] } = rows[0] ?? {};
	return { next: { email, sms }, leases };
}

/** Returns the number of queued messages by channel, and the time for which the oldest due one has been waiting. */
export async function queueBacklog(
	session: Session,
): Promise<{ channel: ChannelName; queued: number; seconds: number }[]> {
	const { rows } = await session.query<{ channel: ChannelName; queued: number; seconds: number }>(
		`SELECT given.channel, count(n.id)::integer AS queued,
			greatest(coalesce(extract(epoch FROM now() - min(n.send_at)), 0), 0)::float8 AS seconds
		FROM unnest(ARRAY['email', 'sms']) AS given (channel)
		LEFT JOIN notifications n ON n.channel = given.channel AND n.status = 'queued' GROUP BY given.channel`,
	);
	return rows;
}

/**
 * Frees orphaned messages: their leases have been without a lock for long enough that no process relies on them any
 * more, and that live processes could mark the messages that they sent while the database was unavailable. Uses this
 * process's own clock, since the server does not record since when it has been available again.
 */
export class Orphans {
	#now: () => number;
	#checked_at = Number.NEGATIVE_INFINITY;
	/** Leases without a lock, with the time when that was first seen. */
	#unlockedSince = new Map<number, number>();

	/** @param now A monotonic clock in milliseconds. */
	constructor(now = () => performance.now()) {
		this.#now = now;
	}

	/**
	 * Restarts the waiting time after the database was unavailable, so that live processes can take their locks again.
	 */
	reset(): void {
		this.#unlockedSince.clear();
	}

	/**
	 * Checks the locks of leases, and frees the messages of orphaned leases. Must be called every few seconds.
	 *
	 * @returns Number of freed messages.
	 */
	async free(session: Session, leases: number[]): Promise<number> {
		const now = this.#now();
		if (now - this.#checked_at > CHECKS_APART_MS) {
			this.reset();
		}
		const unlocked = leases.length > 0 ? await this.#unlocked(session, leases) : [];
		// The server has checked between these two times.
		const then = this.#now();
		this.#checked_at = then;
		this.#unlockedSince = new Map(unlocked.map((lease) => [lease, this.#unlockedSince.get(lease) ?? then]));
		const gone = unlocked.filter((lease) => now - (this.#unlockedSince.get(lease) ?? then) > GONE_AFTER_MS);
		if (gone.length === 0) {
			return 0;
		}
		const { rowCount } = await session.query(
			`UPDATE notifications SET leased_by = NULL, leased_at = NULL
			WHERE status = 'queued' AND leased_by = ANY (ARRAY(${UNLOCKED}))`,
			[LEASE_LOCK, gone],
		);
		return rowCount ?? 0;
	}

	async #unlocked(session: Session, leases: number[]): Promise<number[]> {
		const { rows } = await session.query<{ lease: number }>(UNLOCKED, [LEASE_LOCK, leases]);
		return rows.map(({ lease }) => lease);
	}
}

/** Returns messages of a lease to the queue by their ids. */
export async function release(session: Session, lease: number, ids: string[]): Promise<void> {
	await session.query(
		`UPDATE notifications SET leased_by = NULL, leased_at = NULL
		WHERE status = 'queued' AND leased_by = $1 AND id = ANY ($2::uuid[])`,
		[lease, ids],
	);
}

/** Returns the messages of a lease to the queue, of one channel or all, except those in progress. */
export async function releaseAllBut(
	session: Session,
	lease: number,
	inProgress: string[],
	channel?: ChannelName,
): Promise<void> {
	await session.query(
		`UPDATE notifications SET leased_by = NULL, leased_at = NULL
		WHERE status = 'queued' AND leased_by = $1 AND NOT id = ANY ($2::uuid[]) AND ($3::text IS NULL OR channel = $3)`,
		[lease, inProgress, channel ?? null],
	);
}

/**
 * Returns the queued messages of a lease and a channel that are not in progress: the response to their lease was lost.
 */
export async function findOrphaned(
	session: Session,
	lease: number,
	inProgress: string[],
	channel: ChannelName,
): Promise<string[]> {
	const { rows } = await session.query<{ id: string }>(
		`SELECT id FROM notifications
		WHERE status = 'queued' AND leased_by = $1 AND NOT id = ANY ($2::uuid[]) AND channel = $3`,
		[lease, inProgress, channel],
	);
	return rows.map(({ id }) => id);
}

/** A message that was sent. */
export interface Sent {
	id: string;
	recipient: string;
	subject: string | null;
	/** Time in milliseconds since the recipient's server has accepted it. */
	age_ms: number;
}

/** Marks messages as sent. Those of a deleted user remain erased. */
export async function markSent(session: Session, sent: readonly Sent[]): Promise<void> {
	await session.query(
		`WITH ${ASYNC_COMMIT}, marks AS (
			SELECT id, recipient, subject, clock_timestamp() - interval '1 ms' * age_ms AS at
			FROM quickly, unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) AS s (id, recipient, subject, age_ms)
		)
		UPDATE notifications n SET status = 'sent', sent_at = marks.at, data = NULL, is_tentative = false,
			leased_by = NULL, leased_at = NULL,
			recipient = CASE WHEN n.data IS NOT NULL THEN marks.recipient END,
			subject = CASE WHEN n.data IS NOT NULL THEN marks.subject END,
			history = history || jsonb_build_object('status', 'sent', 'at', marks.at)
		FROM marks WHERE n.id = marks.id AND n.status <> 'sent'`,
		[
			sent.map(({ id }) => id),
			sent.map(({ recipient }) => recipient),
			sent.map(({ subject }) => subject),
			sent.map(({ age_ms }) => age_ms),
		],
	);
}

/** A message that could not be sent. */
export interface Failure {
	id: string;
	/** The recipient and subject, as far as known. */
	recipient: string | null;
	subject: string | null;
	reason: string;
	/** `again`: it is retried; `final`: only an admin can retry it; `gone`: its user does not exist any more. */
	outcome: "again" | "final" | "gone";
}

/**
 * Records failed attempts and their reasons; consecutive failures share an entry of the history. Messages that have
 * another lease by now are not affected.
 */
export async function recordFailures(
	session: Session,
	lease: number,
	failures: readonly Failure[],
): Promise<void> {
	await session.query(
		`UPDATE notifications n SET
			history = CASE WHEN history->-1->>'status' = 'failed' THEN history - -1 ELSE history END
				|| jsonb_build_object(
					'status', 'failed', 'at', now(), 'reason', f.reason,
					'tries', coalesce((history->-1->>'tries')::integer, 0) + 1
				),
			status = CASE WHEN f.outcome = 'again' THEN status ELSE 'failed' END,
			data = CASE WHEN f.outcome = 'gone' THEN NULL ELSE data END,
			recipient = coalesce(f.recipient, n.recipient), subject = coalesce(f.subject, n.subject),
			is_tentative = n.is_tentative AND f.recipient IS NULL,
			leased_by = NULL, leased_at = NULL, tries = tries + 1,
			send_at = now() + make_interval(secs => CASE
				WHEN tries >= ${MANY_FAILURES} THEN ${BACKOFF_MANY_SECONDS}
				ELSE least(exp(least(tries + 1, 10)), ${BACKOFF_MAX_SECONDS})
			END)
		FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
			AS f (id, recipient, subject, reason, outcome)
		WHERE n.id = f.id AND n.leased_by = $1 AND n.status = 'queued' AND n.data IS NOT NULL`,
		[
			lease,
			failures.map(({ id }) => id),
			failures.map(({ recipient }) => recipient),
			failures.map(({ subject }) => subject),
			failures.map(({ reason }) => reason.replaceAll("\u0000", "").slice(0, 500)),
			failures.map(({ outcome }) => outcome),
		],
	);
}

/** Deletes text messages of users who have no phone. */
export async function dropTentative(session: Session, lease: number, ids: string[]): Promise<void> {
	await session.query(
		`WITH ${ASYNC_COMMIT}
		DELETE FROM notifications n USING quickly WHERE n.id = ANY ($2::uuid[]) AND leased_by = $1 AND is_tentative`,
		[lease, ids],
	);
}
