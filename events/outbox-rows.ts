import type { ClientBase, Pool } from "pg";
import { STREAM_KEPT_DAYS } from "./envelope.ts";

// The SQL of the table `outbox`; what runs it holds the relay's lock, except where it says otherwise.

/**
 * An event is kept so long after it was published, to be sent again where the stream loses it; one that not all consumers
 * have confirmed as long as the stream keeps it.
 */
export const EVENTS_KEPT_DAYS = 7;

/** The largest number of events in a batch, and about the largest number of bytes of their data. */
export const BATCH_EVENTS = 200;
const BATCH_BYTES = 16 * 1024 * 1024;
/** How many rows one statement deletes. */
const PRUNED_AT_ONCE = 5000;

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
	/** JSON; null where it is larger than asked for. */
	data: string | null;
}

type Session = Pick<ClientBase, "query">;

/**
 * The next events, those of one thing in their order. What is larger than `bytes_max` comes without its data.
 *
 * @param leftOut Aggregates whose events are left out.
 * @param limit The largest number of them.
 */
export async function nextEvents(
	session: Session,
	bytes_max: number,
	leftOut: string[],
	limit = BATCH_EVENTS,
): Promise<OutboxRow[]> {
	const { rows } = await session.query<OutboxRow>({
		name: "outbox next",
		text: `SELECT position, id, aggregate, sequence, name, version, occurred_at, repeats, bytes,
				CASE WHEN bytes <= $1 THEN text END AS data
			FROM (
				SELECT *, sum(least(bytes, $1)) OVER (ORDER BY position) - least(bytes, $1) AS before
				FROM (
					SELECT *, octet_length(text) AS bytes
					FROM (
						SELECT position, id, aggregate, sequence, name, version, occurred_at, repeats, data::text AS text
						FROM outbox WHERE published_at IS NULL AND refusal IS NULL AND aggregate <> ALL ($2::text[])
						ORDER BY position LIMIT $3
					) AS next OFFSET 0
				) AS measured
			) AS batch WHERE before <= ${BATCH_BYTES} ORDER BY position`,
		values: [bytes_max, leftOut, limit],
	});
	return rows;
}

/** The events that wait: about how many, which may be fewer where old ones do, and for how long the first one has. */
export interface Waiting {
	events: number;
	waiting_ms: number;
}

/** Looks at what waits, without counting. */
export async function estimateWaiting(session: Session): Promise<Waiting> {
	const { rows } = await session.query<Waiting>({
		name: "outbox waiting",
		text: `SELECT ((SELECT max(position) FROM outbox) - position + 1)::float8 AS events,
				extract(epoch FROM now() - waiting_since)::float8 * 1000 AS waiting_ms
			FROM outbox WHERE published_at IS NULL AND refusal IS NULL ORDER BY position LIMIT 1`,
	});
	return rows[0] ?? { events: 0, waiting_ms: 0 };
}

/** An event that the stream has. */
export interface Sent {
	position: string;
	message_id: string;
	stream_sequence: number;
}

/** Marks a batch as published, and notes the last message of it. */
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

/** Puts an event aside, so that the others go on. */
export async function putAside(session: Session, position: string, refusal: string): Promise<void> {
	await session.query("UPDATE outbox SET refusal = $2 WHERE position = $1", [position, refusal]);
}

/** Has what was put aside tried again: a newer process may know it, or NATS take it. */
export async function retryPutAside(session: Session): Promise<void> {
	await session.query("UPDATE outbox SET refusal = NULL, waiting_since = now() WHERE refusal IS NOT NULL");
}

/** The stream as the relay noted it. */
export interface NotedStream {
	created: string;
	last_sequence: number;
	last_message_id: string;
	confirmed_sequence: number;
}

/** Undefined before the relay has seen any stream. */
export async function notedStream(session: Session): Promise<NotedStream | undefined> {
	const { rows } = await session.query<NotedStream>(
		`SELECT created, last_sequence::float8, last_message_id, confirmed_sequence::float8 FROM outbox_stream`,
	);
	return rows[0];
}

/** Notes a stream of which nothing is known yet. */
export async function noteStream(session: Session, created: string): Promise<void> {
	await session.query("INSERT INTO outbox_stream (created) VALUES ($1) ON CONFLICT DO NOTHING", [created]);
}

/** Notes what every consumer has confirmed. */
export async function noteConfirmed(session: Session, sequence: number): Promise<void> {
	await session.query("UPDATE outbox_stream SET confirmed_sequence = $1", [sequence]);
}

/**
 * Notes a stream that has lost messages, or is a new one. All events that no consumer has confirmed wait again; answers
 * how many there are.
 */
export async function noteLoss(session: Session, created: string, confirmed: number): Promise<number> {
	const { rows } = await session.query<{ events: number }>(
		`WITH lost AS (
			UPDATE outbox SET ${WAITS_AGAIN}
			WHERE published_at IS NOT NULL AND (stream_sequence IS NULL OR stream_sequence > $2) RETURNING 1
		), noted AS (
			UPDATE outbox_stream SET created = $1, last_sequence = 0, last_message_id = '', confirmed_sequence = 0
		)
		SELECT count(*)::integer AS events FROM lost`,
		[created, confirmed],
	);
	return rows[0]?.events ?? 0;
}

const WAITS_AGAIN =
	"published_at = NULL, stream_sequence = NULL, refusal = NULL, waiting_since = now(), repeats = repeats + 1";

/** An event by its place. */
export interface Place {
	aggregate: string;
	sequence: number;
}

/** Has published events sent again, by anybody at any time; answers those of them that are still kept. */
export async function sendAgain(session: Session, places: Place[]): Promise<Place[]> {
	const { rows } = await session.query<Place>(
		`UPDATE outbox SET ${WAITS_AGAIN}
		FROM unnest($1::text[], $2::integer[]) AS again (aggregate, sequence)
		WHERE outbox.aggregate = again.aggregate AND outbox.sequence = again.sequence
			AND (published_at IS NOT NULL OR refusal IS NOT NULL)
		RETURNING outbox.aggregate, outbox.sequence`,
		[places.map(({ aggregate }) => aggregate), places.map(({ sequence }) => sequence)],
	);
	return rows;
}

/** Deletes published events that are old enough, some at a time; answers whether there are more. */
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

/** What waits in the outbox, by the clock of the database. */
export interface OutboxState {
	/** The name of the event that is next, and how long it has been waiting; null where none does. */
	name: string | null;
	waiting_ms: number | null;
	/** How long ago the relay published something; null where it never did. */
	published_ms: number | null;
}

/** Looks at the outbox; anybody may. */
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

/** Events that wait or were put aside, oldest first, at most 100; anybody may ask. */
export async function waitingEvents(
	pool: Pool,
): Promise<{ name: string; waiting_since: Date; refusal: string | null }[]> {
	const { rows } = await pool.query(
		`SELECT name, waiting_since, refusal FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT 100`,
	);
	return rows;
}
