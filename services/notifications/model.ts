import type { Pool } from "pg";
import { z } from "zod";
import type { Owner } from "../../broker/caller.ts";
import { MESSAGES_KEPT_DAYS, PRUNED_AT_ONCE } from "../../config/retention.ts";
import type { EventEnvelope } from "../../contracts/actions.ts";
import type { notification } from "../../contracts/notifications.ts";
import type { ChannelName } from "./channel.ts";

/** A row of `notifications`, as JSON from the database. */
export interface NotificationRow {
	id: string;
	event_id: string;
	user_id: number;
	type: string;
	channel: ChannelName;
	/** The aggregate of its event, such as `order:<id>`. */
	aggregate: string;
	/** The event, until the message is sent. */
	data: EventEnvelope | null;
	recipient: string | null;
	subject: string | null;
	status: "queued" | "sent" | "failed";
	history: { status: string; at: string; reason?: string; tries?: number }[];
	created_at: string;
	sent_at: string | null;
}

const REQUEUED = `status = 'queued', send_at = now(), tries = 0, leased_by = NULL, leased_at = NULL,
	history = history || jsonb_build_object('status', 'queued', 'at', now())`;

/** Queues a failed message again; returns false if it has not failed, or its user was deleted. */
export async function requeue(pool: Pool, id: string): Promise<boolean> {
	const { rowCount } = await pool.query(
		`UPDATE notifications SET ${REQUEUED} WHERE id = $1 AND status = 'failed' AND data IS NOT NULL`,
		[id],
	);
	return rowCount === 1;
}

/** Maximum number of failed messages that a call queues again. */
const RETRY_BATCH = 500;

/** Selection of failed messages to queue again. */
interface FailedMessages {
	type?: string | undefined;
	/** Only those that failed at or after this time, ISO 8601. */
	since?: string | undefined;
	/** Id of the last message of the previous call. */
	after?: string | undefined;
}

/**
 * Queues failed messages again, ordered by id, so that one that fails again meanwhile is not queued twice.
 *
 * @returns Number of queued messages, and the last of them if there may be more.
 */
export async function requeueFailed(
	pool: Pool,
	{ type, since, after }: FailedMessages,
): Promise<{ queued: number; next: string | null }> {
	const { rows } = await pool.query<{ id: string }>(
		`WITH queued AS (
			UPDATE notifications SET ${REQUEUED}
			WHERE id IN (
				SELECT id FROM notifications
				WHERE status = 'failed' AND data IS NOT NULL AND ($1::text IS NULL OR type = $1)
					AND ($2::timestamptz IS NULL OR (history->-1->>'at')::timestamptz >= $2)
					AND ($3::uuid IS NULL OR id > $3)
				ORDER BY id LIMIT $4 FOR UPDATE
			) AND status = 'failed' RETURNING id
		) SELECT id FROM queued ORDER BY id`,
		[type ?? null, since ?? null, after ?? null, RETRY_BATCH],
	);
	return { queued: rows.length, next: rows[RETRY_BATCH - 1]?.id ?? null };
}

/** Counts the messages that failed for good, by type, without those of deleted users. */
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

/** Erases the personal data in the messages of these users; unsent messages will not be sent. */
export async function eraseUser(client: Pick<Pool, "query">, user_ids: number[]): Promise<void> {
	await client.query("DELETE FROM notifications WHERE user_id = ANY ($1) AND is_tentative", [user_ids]);
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
		WHERE user_id = ANY ($1)`,
		[user_ids],
	);
}

/** Returns at most 100 queued messages that are due or have failed, the oldest first. */
export async function pendingMessages(pool: Pool) {
	const { rows } = await pool.query<{
		task: string;
		attempts: number;
		run_at: Date;
		last_error: string | null;
	}>(
		`SELECT 'send_' || channel AS task, tries AS attempts, send_at AS run_at, history->-1->>'reason' AS last_error
		FROM notifications WHERE status = 'queued' AND (send_at <= now() OR tries > 0) ORDER BY send_at, id LIMIT 100`,
	);
	return rows.map((row) => ({ ...row, run_at: row.run_at.toISOString() }));
}

/** Deletes a batch of messages that were sent long ago. Returns true if there are more. */
export async function pruneMessages(pool: Pick<Pool, "query">): Promise<boolean> {
	const { rowCount } = await pool.query(
		`DELETE FROM notifications WHERE id = ANY (ARRAY(
			SELECT id FROM notifications
			WHERE created_at < now() - make_interval(days => $1) AND status <> 'queued' AND data IS NULL
			ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
		))`,
		[MESSAGES_KEPT_DAYS, PRUNED_AT_ONCE],
	);
	return rowCount === PRUNED_AT_ONCE;
}

/** Returns the messages that this owner may see, newest first. */
export async function listNotifications(
	pool: Pool,
	owner: Owner,
	page: { skip: number; limit: number; after?: [string, string] | undefined } | { id: string },
): Promise<NotificationRow[]> {
	if ("id" in page && !z.guid().safeParse(page.id).success) {
		return [];
	}
	const user_id = owner === "anybody" ? null : owner;
	const { rows } = await pool.query<{ row: NotificationRow }>(
		`SELECT to_jsonb(n) AS row FROM notifications n
		WHERE NOT is_tentative AND ($1::integer IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR id = $2)
			AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
		ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4`,
		"id" in page
			? [user_id, page.id, 1, 0, null, null]
			: [user_id, null, page.limit, page.skip, ...(page.after ?? [null, null])],
	);
	return rows.map(({ row }) => row);
}

/** Converts a row to a message of the contract; only admins see the reason of a failure. */
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
