import type { ClientBase, Pool } from "pg";
import { EVENTS_KEPT_DAYS, PRUNED_AT_ONCE, STREAM_KEPT_DAYS } from "../config/retention.ts";

// SQL of the table `outbox`. Unless noted otherwise, only the holder of the relay's lock runs it.

/** Maximum number of events in a batch, and approximate maximum of the bytes of their data. */
export const BATCH_EVENTS = 200;
const BATCH_BYTES = 16 * 1024 * 1024;

/** A row to be published. */
export interface OutboxRow {
	position: string;
	id: string;
	aggregate: string;
	sequence: number;
	name: string;
	version: number;
	occurred_at: Date;
	repeats: number;
	bytes: number;
	/** JSON; null if it is larger than the requested limit. */
	data: string | null;
	/** Trace context of the work that has caused the event; null without a trace. */
	traceparent: string | null;
	/** Id of the request that has caused the event; null without one. */
	request_id: string | null;
}

type Session = Pick<ClientBase, "query">;

/** Condition of events that wait. */
const IS_WAITING = "published_at IS NULL AND refusal IS NULL";
/** The oldest positions of waiting events. */
const OLDEST = `SELECT position FROM outbox WHERE ${IS_WAITING} AND aggregate <> ALL ($2::text[]) ORDER BY position LIMIT $3`;
/**
 * Positions of the waiting events of aggregates with an urgent one: every event but `order.placed`, which only a mail
 * follows. The events of an aggregate before its urgent one are included.
 */
const URGENT = `
	SELECT o.position FROM outbox o WHERE ${IS_WAITING} AND aggregate IN (
		SELECT aggregate FROM outbox
		WHERE ${IS_WAITING} AND name <> 'order.placed' AND aggregate <> ALL ($2::text[])
		ORDER BY position LIMIT ${BATCH_EVENTS}
	)`;

/**
 * Returns the next events, those of one aggregate in their order. Events larger than `bytes_max` come without their
 * data.
 *
 * @param excluded Aggregates whose events are excluded.
 * @param limit Maximum number of events.
 * @param withUrgent Whether urgent events come in addition.
 */
export async function nextEvents(
	session: Session,
	bytes_max: number,
	excluded: string[],
	limit = BATCH_EVENTS,
	withUrgent = false,
): Promise<OutboxRow[]> {
	const { rows } = await session.query<OutboxRow>({
		name: withUrgent ? "outbox next and urgent" : "outbox next",
		text: `SELECT position, id, aggregate, sequence, name, version, occurred_at, repeats, bytes, traceparent, request_id,
				CASE WHEN bytes <= $1 THEN text END AS data
			FROM (
				SELECT *, sum(least(bytes, $1)) OVER (ORDER BY position) - least(bytes, $1) AS before
				FROM (
					SELECT *, octet_length(text) AS bytes
					FROM (
						SELECT position, id, aggregate, sequence, name, version, occurred_at, repeats, data::text AS text,
							traceparent, request_id
						FROM outbox
						WHERE position = ANY (ARRAY((${OLDEST})${withUrgent ? ` UNION ${URGENT}` : ""}))
					) AS next OFFSET 0
				) AS measured
			) AS batch WHERE before <= ${BATCH_BYTES} ORDER BY position`,
		values: [bytes_max, excluded, limit],
	});
	return rows;
}

/**
 * Waiting events: their approximate number, an upper bound if older events wait too, and the waiting time of the first
 * one.
 */
export interface Waiting {
	events: number;
	waiting_ms: number;
}

/** Estimates the waiting events without counting them; needs no lock. */
export async function estimateWaiting(session: Session): Promise<Waiting> {
	const { rows } = await session.query<Waiting>({
		name: "outbox waiting",
		text: `SELECT ((SELECT max(position) FROM outbox) - position + 1)::float8 AS events,
				extract(epoch FROM now() - waiting_since)::float8 * 1000 AS waiting_ms
			FROM outbox WHERE published_at IS NULL AND refusal IS NULL ORDER BY position LIMIT 1`,
	});
	return rows[0] ?? { events: 0, waiting_ms: 0 };
}

/** An event that the stream has acknowledged. */
export interface Sent {
	position: string;
	name: string;
	message_id: string;
	stream_sequence: number;
}

/** Marks a batch as published and records its last message. */
export async function markPublished(session: Session, sent: Sent[]): Promise<void> {
	const last = sent.reduce((one, other) => (other.stream_sequence > one.stream_sequence ? other : one));
	await session.query({
		name: "outbox published",
		text: `WITH marked AS (
				UPDATE outbox SET published_at = now(), stream_sequence = sent.sequence
				FROM unnest($1::bigint[], $2::bigint[]) AS sent (position, sequence)
				WHERE outbox.position = sent.position
			)
			UPDATE outbox_stream SET published_at = now(), last_sequence = greatest(last_sequence, $3),
				last_message_id = CASE WHEN $3 > last_sequence THEN $4 ELSE last_message_id END`,
		values: [
			sent.map(({ position }) => position),
			sent.map(({ stream_sequence }) => stream_sequence),
			last.stream_sequence,
			last.message_id,
		],
	});
}

/** Puts an event aside, so that the others proceed. */
export async function putAside(session: Session, position: string, refusal: string): Promise<void> {
	await session.query("UPDATE outbox SET refusal = $2 WHERE position = $1", [position, refusal]);
}

/** Makes events that were put aside wait again: a newer process may know them, or NATS accept them. */
export async function retryPutAside(session: Session): Promise<void> {
	await session.query("UPDATE outbox SET refusal = NULL, waiting_since = now() WHERE refusal IS NOT NULL");
}

/** State of the stream as the relay recorded it. */
export interface RecordedStream {
	created: string;
	last_sequence: number;
	last_message_id: string;
	confirmed_sequence: number;
}

/** Returns the recorded stream; undefined before the relay has seen any. */
export async function recordedStream(session: Session): Promise<RecordedStream | undefined> {
	const { rows } = await session.query<RecordedStream>(
		`SELECT created, last_sequence::float8, last_message_id, confirmed_sequence::float8 FROM outbox_stream`,
	);
	return rows[0];
}

/** Records a stream if none is recorded. */
export async function recordStream(session: Session, created: string): Promise<void> {
	await session.query("INSERT INTO outbox_stream (created) VALUES ($1) ON CONFLICT DO NOTHING", [created]);
}

/** Records the sequence up to which every consumer has confirmed. */
export async function recordConfirmed(session: Session, sequence: number): Promise<void> {
	await session.query("UPDATE outbox_stream SET confirmed_sequence = $1", [sequence]);
}

/**
 * Records that the stream has lost messages or is a new one. All events that no consumer has confirmed wait again.
 *
 * @returns The number of these events.
 */
export async function recordLoss(session: Session, created: string, confirmed: number): Promise<number> {
	const { rows } = await session.query<{ events: number }>(
		`WITH lost AS (
			UPDATE outbox SET ${REQUEUED}
			WHERE published_at IS NOT NULL AND (stream_sequence IS NULL OR stream_sequence > $2) RETURNING 1
		), noted AS (
			UPDATE outbox_stream SET created = $1, last_sequence = 0, last_message_id = '', confirmed_sequence = 0
		)
		SELECT count(*)::integer AS events FROM lost`,
		[created, confirmed],
	);
	return rows[0]?.events ?? 0;
}

const REQUEUED =
	"published_at = NULL, stream_sequence = NULL, refusal = NULL, waiting_since = now(), repeats = repeats + 1";

/** An event, identified by its aggregate and its number there. */
export interface EventRef {
	aggregate: string;
	sequence: number;
}

/** Makes published events wait again; needs no lock. Returns those that are still stored. */
export async function sendAgain(session: Session, events: EventRef[]): Promise<EventRef[]> {
	const { rows } = await session.query<EventRef>(
		`UPDATE outbox SET ${REQUEUED}
		FROM unnest($1::text[], $2::integer[]) AS again (aggregate, sequence)
		WHERE outbox.aggregate = again.aggregate AND outbox.sequence = again.sequence
			AND (published_at IS NOT NULL OR refusal IS NOT NULL)
		RETURNING outbox.aggregate, outbox.sequence`,
		[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
	);
	return rows;
}

/** Deletes a batch of expired published events; returns true if there may be more. */
export async function pruneEvents(session: Session): Promise<boolean> {
	const { rowCount } = await session.query(
		`DELETE FROM outbox WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM outbox
			WHERE occurred_at < now() - make_interval(days => $1) AND published_at < now() - make_interval(days => $1)
				AND (
					stream_sequence <= (SELECT confirmed_sequence FROM outbox_stream)
					OR published_at < now() - make_interval(days => $2)
				)
			LIMIT $3 FOR UPDATE SKIP LOCKED
		))`,
		[EVENTS_KEPT_DAYS, STREAM_KEPT_DAYS, PRUNED_AT_ONCE],
	);
	return rowCount === PRUNED_AT_ONCE;
}

/** State of the outbox, by the clock of the database. */
interface OutboxState {
	/** Name and waiting time of the next event; null if none waits. */
	name: string | null;
	waiting_ms: number | null;
	/** Time since the relay last published an event; null if it never did. */
	published_ms: number | null;
}

/** Returns the state of the outbox; needs no lock. */
export async function outboxState(pool: Pool): Promise<OutboxState> {
	const { rows } = await pool.query<OutboxState>({
		name: "outbox state",
		text: `SELECT next.name, extract(epoch FROM now() - next.waiting_since)::float8 * 1000 AS waiting_ms,
				extract(epoch FROM now() - outbox_stream.published_at)::float8 * 1000 AS published_ms
			FROM (SELECT) AS always
			LEFT JOIN (
				SELECT name, waiting_since FROM outbox WHERE published_at IS NULL AND refusal IS NULL
				ORDER BY position LIMIT 1
			) AS next ON true
			LEFT JOIN outbox_stream ON true`,
	});
	return rows[0] as OutboxState;
}

/** Returns events that wait or were put aside, oldest first, at most 100; needs no lock. */
export async function waitingEvents(
	pool: Pool,
): Promise<{ name: string; waiting_since: Date; refusal: string | null }[]> {
	const { rows } = await pool.query(
		`SELECT name, waiting_since, refusal FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT 100`,
	);
	return rows;
}
