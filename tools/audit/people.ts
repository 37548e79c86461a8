import { SETTLED } from "../../services/orders/states.ts";
import type { Look } from "./finding.ts";
import { IS_PUT_OFF, IS_STUCK, JOBS } from "./jobs.ts";
import { look, PagedLook, pages } from "./look.ts";
import type { Snapshot, Sources } from "./snapshot.ts";

/** Checks that deleted users are erased from users, from settled orders and from messages. */
export async function lookAtPeople(sources: Sources): Promise<Look[]> {
	return [await sources.snapshot("users", inUsers), await elsewhere(sources)];
}

function inUsers(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "who is gone has no account",
		cure: "Delete the account again (`v1.users.remove`, or the columns by hand where deleted_at is set), and end refresh tokens that are left.",
		all: "SELECT count(*)::integer AS rows FROM users WHERE deleted_at IS NOT NULL OR NOT is_active",
		wrong: `SELECT 'user ' || id, 'was deleted, but the row still tells of the person or lets them in'
			FROM users WHERE deleted_at IS NOT NULL AND (
				full_name <> '' OR phone IS NOT NULL OR pending_email IS NOT NULL OR password_hash <> ''
				OR email NOT LIKE 'deleted-%' OR username <> 'deleted ' || id OR is_active OR role <> 'user'
			)
			UNION ALL
			SELECT 'user ' || u.id, 'was deleted, but a former address is kept'
			FROM users u WHERE deleted_at IS NOT NULL AND EXISTS (SELECT FROM former_emails f WHERE f.user_id = u.id)
			UNION ALL
			SELECT 'user ' || u.id, CASE WHEN u.deleted_at IS NULL THEN 'is switched off' ELSE 'was deleted' END
				|| ', but has ' || count(*) || ' refresh tokens'
			FROM users u JOIN refresh_tokens t ON t.user_id = u.id WHERE NOT u.is_active OR u.deleted_at IS NOT NULL
			GROUP BY u.id
			UNION ALL
			SELECT DISTINCT 'user ' || u.id, 'was deleted, but is there again'
			FROM users u JOIN user_history h ON h.user_id = u.id WHERE u.deleted_at IS NULL AND h.event = 'user.deleted'
			UNION ALL
			SELECT 'user ' || id, 'has an id that is never given' FROM users WHERE id <= 0
			UNION ALL
			SELECT 'user ' || id, 'was deleted at ' || deleted_at || ', which is still to come'
			FROM users WHERE deleted_at > now() + interval '1 day'`,
	});
}

/** Time limit for erasing a user. The sweep runs hourly; the rest allows for downtime. */
const SWEPT_WITHIN = "2 days";

interface Deleted {
	key: number;
	/** Whether a job to notify orders is pending. */
	has_job: boolean;
	published: number;
}

async function elsewhere(sources: Sources): Promise<Look> {
	const seen = new PagedLook(
		"who is gone is forgotten everywhere",
		"Start users and orders: their jobs and the hourly sweep forget the person; where no job is left, add `forget_orders` with the user_id.",
	);
	const deleted = pages<Deleted>(
		sources,
		"users",
		`SELECT id AS key, coalesce(s.sequence, 0) AS published,
			EXISTS (
				SELECT FROM ${JOBS} WHERE task = 'forget_orders' AND payload->>'user_id' = users.id::text
					AND attempts < max_attempts AND NOT ${IS_STUCK} AND NOT ${IS_PUT_OFF}
			) AS has_job
		FROM users LEFT JOIN event_sequences s ON s.aggregate = 'user:' || id
		WHERE deleted_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2`,
		0,
	);
	for await (const page of deleted) {
		seen.looked_at += page.length;
		const ids = page.map(({ key }) => key);
		const orders = await sources.snapshot("orders", (query) => inOrders(query, ids));
		const messages = await sources.snapshot("notifications", (query) => inMessages(query, page));
		for (const { key, has_job } of page) {
			if (!orders.told.has(key) && has_job) {
				seen.under_way++;
			} else if (!orders.told.has(key)) {
				seen.add(`user ${key}`, "was deleted, but orders does not know and no job tells it");
			}
		}
		for (const { document, what } of [...orders.left, ...messages]) {
			seen.add(document, what);
		}
	}
	await addAlive(sources, seen);
	return seen;
}

/**
 * Finds users that are deleted in orders but present in users. They reappear only when users is restored from an older
 * backup.
 */
async function addAlive(sources: Sources, seen: PagedLook): Promise<void> {
	const deleted = pages<{ key: number }>(
		sources,
		"orders",
		"SELECT user_id AS key FROM deleted_users WHERE user_id > $1 ORDER BY user_id LIMIT $2",
		-(2 ** 31),
	);
	for await (const page of deleted) {
		const alive = await sources.snapshot("users", (query) =>
			query<{ id: number }>("SELECT id FROM users WHERE id = ANY ($1) AND deleted_at IS NULL", [
				page.map(({ key }) => key),
			]),
		);
		for (const { id } of alive) {
			seen.add(`user ${id}`, "was deleted, which orders was told, but is there again");
		}
	}
}

/**
 * Finds personal data in settled orders of deleted users. An order settled after its owner was deleted is swept within
 * the hour, so it is checked once a sweep has run since, or should have.
 */
async function inOrders(query: Snapshot, ids: number[]) {
	const told = await query<{ user_id: number }>(
		"SELECT user_id FROM deleted_users WHERE user_id = ANY ($1)",
		[ids],
	);
	const left = await query<{ document: string; what: string }>(
		`SELECT 'order ' || o.number AS document, 'has the address or note of user ' || o.user_id || ', who was deleted' AS what
		FROM orders o JOIN deleted_users d USING (user_id)
		WHERE o.user_id = ANY ($1) AND o.status = ANY ($2) AND (o.shipping_address IS NOT NULL OR o.note IS NOT NULL)
			AND (SELECT max(h.at) FROM order_history h WHERE h.order_id = o.id) < greatest(
				d.at, now() - interval '${SWEPT_WITHIN}',
				(SELECT last_execution FROM graphile_worker._private_known_crontabs WHERE identifier = 'forget_deleted_users')
			)
		UNION ALL
		SELECT 'key ' || k.key || ' of user ' || k.user_id, 'answers the address or note of a user who was deleted'
		FROM idempotency_keys k JOIN deleted_users d USING (user_id)
		WHERE k.user_id = ANY ($1) AND coalesce(k.answer->'order'->>'shipping_address', k.answer->'order'->>'note') IS NOT NULL`,
		[ids, SETTLED],
	);
	return { told: new Set(told.map(({ user_id }) => user_id)), left };
}

/** Finds personal data in messages of deleted users, once notifications has processed the last event of the user. */
function inMessages(query: Snapshot, page: Deleted[]) {
	return query<{ document: string; what: string }>(
		`SELECT 'message ' || n.id AS document, n.type || ' has the address of user ' || n.user_id || ', who was deleted' AS what
		FROM notifications n JOIN unnest($1::integer[], $2::integer[]) AS gone (user_id, published) USING (user_id)
		JOIN inbox i ON i.aggregate = 'user:' || gone.user_id AND i.sequence >= gone.published
		WHERE n.recipient IS NOT NULL OR n.subject IS NOT NULL LIMIT 1000`,
		[page.map(({ key }) => key), page.map(({ published }) => published)],
	);
}
