import type { Look } from "./finding.ts";
import { asUuid, look, PagedLook, pages } from "./look.ts";
import type { Snapshot, Sources } from "./snapshot.ts";

/**
 * Finds deleted orders and users by the records that still refer to them. Gaps in order numbers prove nothing: each
 * attempt to place an order takes a number, even if it fails. Records that the operator accepted as lost
 * (accept-restore.ts) count as existing.
 */
export async function lookAtTraces(sources: Sources): Promise<Look[]> {
	return [
		await sources.snapshot("orders", namedByOrders),
		await namedByNotifications(sources),
		await ownersOfOrders(sources),
	];
}

function namedByOrders(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "an order that had events is there",
		cure: "Restore orders from a copy; if an older copy is all there is, `npm run audit -- --accept-restore` lets the shop go on without them.",
		all: "SELECT count(*)::integer AS rows FROM event_sequences",
		wrong: `SELECT s.aggregate, 'has had ' || s.sequence || ' events, but there is no such order'
			FROM event_sequences s
			WHERE s.lost < s.sequence AND NOT EXISTS (SELECT FROM orders o WHERE o.id = ${asUuid("substr(s.aggregate, 7)")})
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'is ' || j.task_identifier || ' of ' || j.key || ', which is not there'
			FROM graphile_worker.jobs j
			WHERE starts_with(j.key, 'restock:') AND NOT EXISTS (SELECT FROM orders o WHERE o.id = ${asUuid("substr(j.key, 9)")})
			UNION ALL
			SELECT 'job ' || j.id || ' of orders', 'is ' || j.task_identifier || ' of ' || j.key || ', which is not there'
			FROM graphile_worker.jobs j
			WHERE starts_with(j.key, 'refund:') AND NOT EXISTS (SELECT FROM payments p WHERE p.reference = substr(j.key, 8))`,
	});
}

/** Checks that the orders and users with events or messages in notifications exist. */
async function namedByNotifications(sources: Sources): Promise<Look> {
	const seen = new PagedLook(
		"what notifications knows of is there",
		"Restore users and orders from a copy; if an older copy is all there is, `npm run audit -- --accept-restore` lets the shop go on without them.",
	);
	const named = pages<{ key: string; messages: number }>(
		sources,
		"notifications",
		`SELECT aggregate AS key, (SELECT count(*)::integer FROM notifications n WHERE n.aggregate = known.aggregate) AS messages
		FROM (
			(SELECT aggregate FROM inbox WHERE aggregate > $1 ORDER BY aggregate LIMIT $2)
			UNION
			(SELECT DISTINCT aggregate FROM notifications WHERE aggregate > $1 ORDER BY aggregate LIMIT $2)
			UNION
			(SELECT DISTINCT aggregate FROM inbox_gaps WHERE aggregate > $1 ORDER BY aggregate LIMIT $2)
		) AS known ORDER BY aggregate LIMIT $2`,
		"",
	);
	for await (const page of named) {
		const there = new Set([
			...(await existing(sources, "order", page)),
			...(await existing(sources, "user", page)),
		]);
		seen.looked_at += page.length;
		for (const { key, messages } of page.filter((one) => !there.has(one.key))) {
			seen.add(
				key,
				`is not there, but notifications has taken its events in and has ${messages} messages of it`,
			);
		}
	}
	return seen;
}

const TABLES = {
	order: {
		database: "orders",
		isId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
		sql: `SELECT 'order:' || id AS key FROM orders WHERE id = ANY ($1::uuid[])
			UNION ALL SELECT aggregate FROM event_sequences WHERE lost > 0 AND lost >= sequence AND aggregate = ANY ($2)`,
	},
	user: {
		database: "users",
		isId: /^[1-9][0-9]{0,8}$/,
		// A user known only from orders has a row with sequence 0.
		sql: `SELECT 'user:' || id AS key FROM users WHERE id = ANY ($1::integer[])
			UNION ALL SELECT aggregate FROM event_sequences WHERE lost >= sequence AND aggregate = ANY ($2)`,
	},
} as const;

async function existing(
	sources: Sources,
	kind: keyof typeof TABLES,
	page: { key: string }[],
): Promise<string[]> {
	const { database, isId, sql } = TABLES[kind];
	const ids = page.flatMap(({ key }) => (key.startsWith(`${kind}:`) ? key.slice(kind.length + 1) : []));
	const rows = await sources.snapshot(database, (query) =>
		query<{ key: string }>(sql, [ids.filter((id) => isId.test(id)), page.map(({ key }) => key)]),
	);
	return rows.map(({ key }) => key);
}

async function ownersOfOrders(sources: Sources): Promise<Look> {
	const seen = new PagedLook(
		"the owner of an order is there",
		"Restore users from a copy; if an older copy is all there is, `npm run audit -- --accept-restore` lets the shop go on without them.",
	);
	const owners = pages<{ key: number; orders: number; number: string }>(
		sources,
		"orders",
		`SELECT user_id AS key, count(*)::integer AS orders, min(number) AS number
		FROM orders WHERE user_id > $1 GROUP BY user_id ORDER BY user_id LIMIT $2`,
		-(2 ** 31),
	);
	for await (const page of owners) {
		const users = page.map(({ key }) => ({ key: `user:${key}` }));
		const there = new Set(await existing(sources, "user", users));
		seen.looked_at += page.length;
		for (const { key, orders, number } of page.filter((one) => !there.has(`user:${one.key}`))) {
			seen.add(`user ${key}`, `is not there, but has ${orders} orders, such as ${number}`);
		}
	}
	return seen;
}
