import { kindOf } from "../../contracts/contract.ts";
import { type AggregateKind, outboxes } from "../../contracts/services.ts";
import { PagedCheckResult, pages } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import { UUID } from "./product-form.ts";
import type { Sources } from "./snapshot.ts";

/**
 * Finds deleted orders and users by the records that still refer to them. Gaps in order numbers prove nothing: each
 * attempt to place an order takes a number, even if it fails. Records that the operator accepted as lost
 * (accept-restore.ts) count as existing.
 */
export async function checkReferences(sources: Sources): Promise<CheckResult[]> {
	return [await knownToNotifications(sources), await ownersOfOrders(sources)];
}

/** Checks that the orders and users with events or messages in notifications exist. */
async function knownToNotifications(sources: Sources): Promise<CheckResult> {
	const result = new PagedCheckResult(
		"orders and users known to notifications exist",
		"Restore users and orders from a copy; if there is only an older copy, `npm run audit -- --accept-restore` lets the shop continue without them.",
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
		const found = new Set<string>();
		for (const kind of Object.keys(outboxes) as AggregateKind[]) {
			for (const key of await existing(sources, kind, page)) {
				found.add(key);
			}
		}
		// Of a service that was removed the events are no longer known to anybody.
		const known = page.filter(({ key }) => kindOf(key) in outboxes);
		result.checked += known.length;
		for (const { key, messages } of known.filter((one) => !found.has(one.key))) {
			result.add(
				key,
				`does not exist, but notifications has processed its events and has ${messages} messages for it`,
			);
		}
	}
	return result;
}

/** The rows that are the aggregates, where they are more than the places of their events. */
const TABLES: { [K in AggregateKind]?: { isId: RegExp; sql: string } } = {
	order: {
		isId: UUID,
		sql: `SELECT 'order:' || id AS key FROM orders WHERE id = ANY ($1::uuid[])
			UNION ALL SELECT aggregate FROM event_sequences WHERE lost > 0 AND lost >= sequence AND aggregate = ANY ($2)`,
	},
	user: {
		isId: /^[1-9][0-9]{0,8}$/,
		// A user known only from orders has a row with sequence 0.
		sql: `SELECT 'user:' || id AS key FROM users WHERE id = ANY ($1::integer[])
			UNION ALL SELECT aggregate FROM event_sequences WHERE lost >= sequence AND aggregate = ANY ($2)`,
	},
};

const WITH_EVENTS =
	"SELECT aggregate AS key FROM event_sequences WHERE aggregate = ANY ($2) AND split_part(aggregate, ':', 2) = ANY ($1)";

async function existing(sources: Sources, kind: AggregateKind, page: { key: string }[]): Promise<string[]> {
	const { isId, sql } = TABLES[kind] ?? { isId: /./, sql: WITH_EVENTS };
	const ids = page.flatMap(({ key }) => (key.startsWith(`${kind}:`) ? key.slice(kind.length + 1) : []));
	const rows = await sources.snapshot(outboxes[kind], (query) =>
		query<{ key: string }>(sql, [ids.filter((id) => isId.test(id)), page.map(({ key }) => key)]),
	);
	return rows.map(({ key }) => key);
}

async function ownersOfOrders(sources: Sources): Promise<CheckResult> {
	const result = new PagedCheckResult(
		"the owner of an order exists",
		"Restore users from a copy; if there is only an older copy, `npm run audit -- --accept-restore` lets the shop continue without them.",
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
		const found = new Set(await existing(sources, "user", users));
		result.checked += page.length;
		for (const { key, orders, number } of page.filter((one) => !found.has(`user:${one.key}`))) {
			result.add(`user ${key}`, `does not exist, but has ${orders} orders, such as ${number}`);
		}
	}
	return result;
}
