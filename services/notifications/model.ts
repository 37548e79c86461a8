import type { Pool } from "pg";
import { z } from "zod";
import type { EventEnvelope } from "../../contracts/actions.ts";
import type { notification } from "../../contracts/notifications.ts";
import type { ChannelName } from "./channel.ts";

/** A row of `notifications`, as the database gives it in JSON. */
export interface NotificationRow {
	id: string;
	event_id: string;
	user_id: number;
	type: string;
	channel: ChannelName;
	/** What it is about, such as `order:<id>`. */
	aggregate: string;
	/** What it is made of: the event, until it is sent. */
	data: EventEnvelope | null;
	recipient: string | null;
	subject: string | null;
	status: "queued" | "sent" | "failed";
	history: { status: string; at: string; reason?: string; tries?: number }[];
	created_at: string;
	sent_at: string | null;
}

const QUEUED = "jsonb_build_object('status', 'queued', 'at', now())";

/** Adds the job that sends each message of `rows`. */
const addJobs = (rows: string) => `SELECT graphile_worker.add_job(
	'send_' || channel, json_build_object('id', id), max_attempts => 32767, job_key => 'send:' || id
) FROM ${rows}`;

/** Notes the mail of an event down, once, with the job that sends it. */
export function queueMail(client: Pick<Pool, "query">, event: EventEnvelope, type: string): Promise<void> {
	return queue(client, event, type, "email");
}

/** Notes the text message of an event down, once, with the job that sends it. */
export function queueText(pool: Pool, event: EventEnvelope, type: string): Promise<void> {
	return queue(pool, event, type, "sms");
}

/** Adds the job that finds out whether an event's message goes out as a text too. */
export async function askForText(
	client: Pick<Pool, "query">,
	event: EventEnvelope,
	type: string,
): Promise<void> {
	await client.query(
		"SELECT graphile_worker.add_job('queue_text', $1, max_attempts => 32767, job_key => 'text:' || $2)",
		[JSON.stringify({ event, type }), event.id],
	);
}

/** The id comes from the event, so that the recipient's side can tell a message that it had before. */
async function queue(
	client: Pick<Pool, "query">,
	event: EventEnvelope,
	type: string,
	channel: ChannelName,
): Promise<void> {
	await client.query(
		`WITH noted AS (
			INSERT INTO notifications (id, event_id, user_id, type, channel, aggregate, data, history)
			VALUES (
				md5($1 || ' ' || $3 || ' ' || $6)::uuid, $1::uuid, $2, $3, $6, $4, $5, jsonb_build_array(${QUEUED})
			)
			ON CONFLICT DO NOTHING RETURNING id, channel
		) ${addJobs("noted")}`,
		[event.id, event.data.user_id, type, event.aggregate, JSON.stringify(event), channel],
	);
}

/** A message that is to be sent; nothing where it was. */
export async function findUnsent(pool: Pool, id: string): Promise<NotificationRow | undefined> {
	const { rows } = await pool.query<{ row: NotificationRow }>(
		"SELECT to_jsonb(n) AS row FROM notifications n WHERE id = $1 AND status = 'queued' AND data IS NOT NULL",
		[id],
	);
	return rows[0]?.row;
}

/** Notes where a message goes and what it is about, unless it is forgotten. */
export async function address(
	pool: Pool,
	id: string,
	recipient: string,
	subject: string | null,
): Promise<void> {
	await pool.query(
		"UPDATE notifications SET recipient = $2, subject = $3 WHERE id = $1 AND data IS NOT NULL",
		[id, recipient, subject],
	);
}

/** Queues a message that failed once more; false where it has not failed, or there is nobody any more. */
export async function requeue(pool: Pool, id: string): Promise<boolean> {
	const { rowCount } = await pool.query(
		`WITH queued AS (
			UPDATE notifications SET status = 'queued', history = history || ${QUEUED}
			WHERE id = $1 AND status = 'failed' AND data IS NOT NULL RETURNING id, channel
		) ${addJobs("queued")}`,
		[id],
	);
	return rowCount === 1;
}

/** A call queues as many failed messages again. */
const RETRY_BATCH = 500;

/** Which messages to queue again. */
export interface FailedMessages {
	type?: string | undefined;
	/** Those that failed at this moment or later, ISO 8601. */
	since?: string | undefined;
	/** The id of the last one that was queued before. */
	after?: string | undefined;
}

/**
 * Queues messages that failed once more, in the order of their ids, so that one which fails again meanwhile is not met
 * a second time.
 *
 * @returns How many, and the last of them where there may be more.
 */
export async function requeueFailed(
	pool: Pool,
	{ type, since, after }: FailedMessages,
): Promise<{ queued: number; next: string | null }> {
	const { rows } = await pool.query<{ id: string }>(
		`WITH queued AS (
			UPDATE notifications SET status = 'queued', history = history || ${QUEUED}
			WHERE id IN (
				SELECT id FROM notifications
				WHERE status = 'failed' AND data IS NOT NULL AND ($1::text IS NULL OR type = $1)
					AND ($2::timestamptz IS NULL OR (history->-1->>'at')::timestamptz >= $2)
					AND ($3::uuid IS NULL OR id > $3)
				ORDER BY id LIMIT $4 FOR UPDATE
			) AND status = 'failed' RETURNING id, channel
		), added AS (${addJobs("queued")}) SELECT id FROM queued, (SELECT count(*) FROM added) AS done ORDER BY id`,
		[type ?? null, since ?? null, after ?? null, RETRY_BATCH],
	);
	return { queued: rows.length, next: rows[RETRY_BATCH - 1]?.id ?? null };
}

/** How many messages failed for good, by type; those of deleted users are gone. */
export async function countFailed(pool: Pool) {
	const { rows } = await pool.query<{
		type: string;
		failed: number;
		last_failed_at: Date;
		reason: string | null;
	}>(
		`SELECT type, count(*)::integer AS failed, max((history->-1->>'at')::timestamptz) AS last_failed_at,
			mode() WITHIN GROUP (ORDER BY history->-1->>'reason') AS reason
		FROM notifications WHERE status = 'failed' AND data IS NOT NULL GROUP BY type ORDER BY type`,
	);
	return rows.map((row) => ({ ...row, last_failed_at: row.last_failed_at.toISOString() }));
}

/** Takes everything out of a user's messages by which the person could be known; what is not sent never will be. */
export async function forget(client: Pick<Pool, "query">, user_id: number): Promise<void> {
	await client.query(
		`UPDATE notifications SET recipient = NULL, subject = NULL, data = NULL,
			history = (
				SELECT jsonb_agg(entry - 'reason' ORDER BY place)
				FROM jsonb_array_elements(
					CASE WHEN status = 'queued'
						THEN history || jsonb_build_object('status', 'failed', 'at', now()) ELSE history END
				) WITH ORDINALITY AS entries (entry, place)
			),
			status = CASE WHEN status = 'queued' THEN 'failed' ELSE status END
		WHERE user_id = $1`,
		[user_id],
	);
}

/**
 * Notes that a try failed, and why; one entry for a row of failures.
 *
 * @param outcome `again`: a job tries it again; `final`: only an admin does; `gone`: there is nobody to send it to any more.
 */
export async function noteFailure(
	pool: Pool,
	id: string,
	reason: string,
	outcome: "again" | "final" | "gone",
): Promise<void> {
	await pool.query(
		`UPDATE notifications SET history = CASE WHEN history->-1->>'status' = 'failed' THEN history - -1 ELSE history END
			|| jsonb_build_object(
				'status', 'failed', 'at', now(), 'reason', $2::text,
				'tries', coalesce((history->-1->>'tries')::integer, 0) + 1
			),
			status = CASE WHEN $3 = 'again' THEN status ELSE 'failed' END,
			data = CASE WHEN $3 = 'gone' THEN NULL ELSE data END
		WHERE id = $1 AND data IS NOT NULL`,
		[id, reason.replaceAll("\u0000", "").slice(0, 500), outcome],
	);
}

/** Messages of one user, or of everybody where `user_id` is null; newest first. */
export async function listNotifications(
	pool: Pool,
	user_id: number | null,
	page: { skip: number; limit: number; after?: [string, string] | undefined } | { id: string },
): Promise<NotificationRow[]> {
	if ("id" in page && !z.guid().safeParse(page.id).success) {
		return [];
	}
	const { rows } = await pool.query<{ row: NotificationRow }>(
		`SELECT to_jsonb(n) AS row FROM notifications n
		WHERE ($1::integer IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR id = $2)
			AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
		ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4`,
		"id" in page
			? [user_id, page.id, 1, 0, null, null]
			: [user_id, null, page.limit, page.skip, ...(page.after ?? [null, null])],
	);
	return rows.map(({ row }) => row);
}

/** A message as the contract shows it; why sending failed is for admins. */
export function present(row: NotificationRow, isAdmin: boolean): z.input<typeof notification> {
	return {
		id: row.id,
		user_id: row.user_id,
		type: row.type,
		channel: row.channel,
		recipient: row.recipient,
		subject: row.subject,
		status: row.status,
		history: row.history.map(({ reason, ...entry }) => ({
			...entry,
			at: new Date(entry.at).toISOString(),
			...(isAdmin && reason ? { reason } : {}),
		})),
		created_at: new Date(row.created_at).toISOString(),
		sent_at: row.sent_at && new Date(row.sent_at).toISOString(),
	};
}
