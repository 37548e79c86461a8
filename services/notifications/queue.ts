import type { Pool } from "pg";
import type { EventEnvelope } from "../../contracts/actions.ts";
import type { ChannelName } from "./channel.ts";
import type { NotificationRow } from "./model.ts";

// The queue of messages: a row of `notifications` with the status `queued` is to be sent, from `send_at` on, by the sender
// whose lease it has.

type Session = Pick<Pool, "query">;

/** A message of an event that has to be sent. */
export interface Due {
	event: EventEnvelope;
	type: string;
	channel: ChannelName;
	/** Whether it is sent only where the user turns out to have a phone. */
	is_tentative: boolean;
}

/** A row that was leased, with what sending it needs. */
export type Leased = Pick<NotificationRow, "id" | "user_id" | "channel" | "history" | "created_at"> & {
	data: EventEnvelope;
	is_tentative: boolean;
};

/** The pauses between tries, in seconds: e to the power of the failures, at most the first, after `OFTEN` the second. */
const BACKOFF_MAX_SECONDS = 30;
const OFTEN = 30;
const BACKOFF_OFTEN_SECONDS = 180;

/**
 * How long a sender counts on its lease after it has last heard of it; the server may have lost its lock meanwhile. Nobody
 * frees the lease before it has been without a lock for longer.
 */
export const VALID_MS = 5000;
/** Clocks do not run alike. */
const GONE_AFTER_MS = VALID_MS + 1000;
/** Looks further apart than this do not tell that a lease had no lock in between. */
const LOOKS_APART_MS = 2 * VALID_MS;

/** Any number, the same for all of Toko: with the number of a lease it names an advisory lock. */
export const LEASE_LOCK = 7_706_562;

/** Those of some leases ($2) that have no lock. */
const UNLOCKED = `SELECT lease FROM unnest($2::integer[]) AS lease
	WHERE NOT EXISTS (
		SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND objsubid = 2
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid = $1::oid AND objid = lease::oid
	)`;

/** Does not wait for the disk: a power cut may undo the last half second of leases and marks, which is no worse than a kill. */
const QUICKLY = "quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))";

/** The first entry of a history. */
const QUEUED = (at: string) => `jsonb_build_object('status', 'queued', 'at', ${at})`;

/**
 * Queues messages, each once. Their ids come from their events, so that the recipient's side can tell one that it had
 * before. Those of one aggregate have times a millisecond apart, in the order of their events.
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

/** Leases messages that are due, the longest waiting first; others lease past them meanwhile. */
export async function leaseDue(
	session: Session,
	channel: ChannelName,
	lease: number,
	limit: number,
): Promise<Leased[]> {
	const { rows } = await session.query<{ row: Leased }>(
		`WITH ${QUICKLY}, due AS MATERIALIZED (
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
	/** Until the next message of a channel is due, in milliseconds; null where none waits. */
	next: Record<ChannelName, number | null>;
	/** Leases of which there are messages. */
	leases: number[];
}

/** Looks at the queue; cheap, since it reads two partial indexes only. */
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

/**
 * Frees the messages of senders that are gone: their leases were without a lock for so long that no sender counts on them, and
 * that those alive could mark the messages that left while the database was away. It goes by this process's own clock,
 * since nothing on the server tells since when it has been back.
 */
export class Orphans {
	#now: () => number;
	#looked_at = Number.NEGATIVE_INFINITY;
	/** The leases without a lock, with when this was first seen. */
	#unlockedSince = new Map<number, number>();

	/** @param now A clock in milliseconds that never goes back. */
	constructor(now = () => performance.now()) {
		this.#now = now;
	}

	/** Starts anew after the database was away: the living get the time to take their locks again. */
	startAnew(): void {
		this.#unlockedSince.clear();
	}

	/**
	 * Looks at the locks of leases, and frees the messages of those that are gone. To be called every few seconds.
	 *
	 * @returns How many messages were freed.
	 */
	async free(session: Session, leases: number[]): Promise<number> {
		const now = this.#now();
		if (now - this.#looked_at > LOOKS_APART_MS) {
			this.startAnew();
		}
		const unlocked = leases.length > 0 ? await this.#unlocked(session, leases) : [];
		// Between these two moments the server has looked.
		const then = this.#now();
		this.#looked_at = then;
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

/** Gives back messages of a lease by their ids. */
export async function release(session: Session, lease: number, ids: string[]): Promise<void> {
	await session.query(
		`UPDATE notifications SET leased_by = NULL, leased_at = NULL
		WHERE status = 'queued' AND leased_by = $1 AND id = ANY ($2::uuid[])`,
		[lease, ids],
	);
}

/** Gives back the messages of a lease, of one channel or all, for anybody to send, except those that are in hand. */
export async function releaseAllBut(
	session: Session,
	lease: number,
	inHand: string[],
	channel?: ChannelName,
): Promise<void> {
	await session.query(
		`UPDATE notifications SET leased_by = NULL, leased_at = NULL
		WHERE status = 'queued' AND leased_by = $1 AND NOT id = ANY ($2::uuid[]) AND ($3::text IS NULL OR channel = $3)`,
		[lease, inHand, channel ?? null],
	);
}

/** The messages of a lease and a channel that are to be sent and are not in hand: the answer of who leased them was lost. */
export async function findForgotten(
	session: Session,
	lease: number,
	inHand: string[],
	channel: ChannelName,
): Promise<string[]> {
	const { rows } = await session.query<{ id: string }>(
		`SELECT id FROM notifications
		WHERE status = 'queued' AND leased_by = $1 AND NOT id = ANY ($2::uuid[]) AND channel = $3`,
		[lease, inHand, channel],
	);
	return rows.map(({ id }) => id);
}

/** A message that has left. */
export interface Sent {
	id: string;
	recipient: string;
	subject: string | null;
	/** How many milliseconds ago the other side has said that it has it. */
	age_ms: number;
}

/** Marks messages as sent. A deleted user's stays empty. */
export async function markSent(session: Session, sent: readonly Sent[]): Promise<void> {
	await session.query(
		`WITH ${QUICKLY}, told AS (
			SELECT id, recipient, subject, clock_timestamp() - interval '1 ms' * age_ms AS at
			FROM quickly, unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) AS s (id, recipient, subject, age_ms)
		)
		UPDATE notifications n SET status = 'sent', sent_at = told.at, data = NULL, is_tentative = false,
			leased_by = NULL, leased_at = NULL,
			recipient = CASE WHEN n.data IS NOT NULL THEN told.recipient END,
			subject = CASE WHEN n.data IS NOT NULL THEN told.subject END,
			history = history || jsonb_build_object('status', 'sent', 'at', told.at)
		FROM told WHERE n.id = told.id AND n.status <> 'sent'`,
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
	/** Where it was to go and what it was about, as far as that is known. */
	recipient: string | null;
	subject: string | null;
	reason: string;
	/** `again`: it is tried again; `final`: only an admin does; `gone`: there is nobody to send it to any more. */
	outcome: "again" | "final" | "gone";
}

/**
 * Notes that tries have failed, and why; one entry of the history for a row of failures. Messages of another lease by now
 * are left alone.
 */
export async function noteFailures(
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
				WHEN tries >= ${OFTEN} THEN ${BACKOFF_OFTEN_SECONDS}
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

/** Forgets text messages of people who turned out to have no phone. */
export async function dropTentative(session: Session, lease: number, ids: string[]): Promise<void> {
	await session.query(
		`WITH ${QUICKLY}
		DELETE FROM notifications n USING quickly WHERE n.id = ANY ($2::uuid[]) AND leased_by = $1 AND is_tentative`,
		[lease, ids],
	);
}
