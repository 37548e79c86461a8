import { INITIAL, type OrderStatus, SOLD, STEPS } from "../services/orders/states.ts";
import type { Look } from "./audit.ts";
import type { Snapshot, Sources } from "./sources.ts";

/** Orders, keys and money, all seen at one moment. */
export function lookAtOrders(sources: Sources): Promise<Look[]> {
	return sources.snapshot("orders", async (query) => [
		await histories(query),
		await totals(query),
		await keys(query),
		await payments(query),
	]);
}

/** Whether the states came one after the other as states.ts allows, from the first one to where the order is. */
export function isLegal(history: OrderStatus[], status: OrderStatus): boolean {
	return (
		history[0] === INITIAL &&
		history.at(-1) === status &&
		history
			.slice(1)
			.every((to, index) =>
				Object.values(STEPS).some(
					(step) => step.to === to && (step.from as readonly string[]).includes(history[index] as string),
				),
			)
	);
}

async function histories(query: Snapshot): Promise<Look> {
	// As many rows as there are different lives, however many orders.
	const lives = await query<{
		status: OrderStatus;
		history: OrderStatus[];
		orders: number;
		numbers: string[];
	}>(
		`SELECT status, history, count(*)::integer AS orders, (array_agg(number))[1:20] AS numbers
		FROM (
			SELECT o.number, o.status,
				coalesce(array_agg(h.status ORDER BY h.at) FILTER (WHERE h.status IS NOT NULL), '{}') AS history
			FROM orders o LEFT JOIN order_history h ON h.order_id = o.id GROUP BY o.id
		) AS life GROUP BY status, history`,
	);
	return {
		check: "an order has a legal history",
		looked_at: lives.reduce((sum, { orders }) => sum + orders, 0),
		under_way: 0,
		findings: lives
			.filter(({ history, status }) => !isLegal(history, status))
			.flatMap(({ history, status, numbers }) =>
				numbers.map((number) => ({
					document: `order ${number}`,
					what: `is ${status} after ${history.join(" → ") || "nothing"}`,
				})),
			),
	};
}

async function totals(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "an order costs what its lines cost",
		all: "SELECT count(*)::integer AS rows FROM orders",
		wrong: `SELECT 'order ' || o.number AS document,
			'has a total of ' || o.total_minor || ', its lines make ' || coalesce(sum(l.price_minor * l.quantity), 0) AS what
			FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
			GROUP BY o.id HAVING o.total_minor IS DISTINCT FROM sum(l.price_minor * l.quantity)`,
	});
}

async function keys(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "a key has one order, an order one reservation",
		all: "SELECT count(*)::integer AS rows FROM idempotency_keys",
		wrong: `SELECT 'key ' || k.key || ' of user ' || k.user_id AS document, 'has an order that is not there' AS what
			FROM idempotency_keys k
			WHERE k.answer ? 'order' AND NOT EXISTS (
				SELECT FROM orders o WHERE o.id = (k.answer->'order'->>'id')::uuid AND o.user_id = k.user_id
			)
			UNION ALL
			SELECT 'order ' || (answer->'order'->>'number'), 'has ' || count(*) || ' keys'
			FROM idempotency_keys WHERE answer ? 'order' GROUP BY answer->'order'->>'id', 1 HAVING count(*) > 1
			UNION ALL
			SELECT 'order ' || o.number, 'has ' || count(r.id) || ' reservations'
			FROM orders o LEFT JOIN reservations r ON r.order_id = o.id GROUP BY o.id HAVING count(r.id) <> 1`,
	});
}

async function payments(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "nobody pays for what they do not get",
		all: "SELECT count(*)::integer AS rows FROM payments",
		under_way: `SELECT count(*)::integer AS rows FROM payments
			WHERE status = 'refunding' AND EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'refund:' || reference)`,
		wrong: `SELECT 'order ' || o.number AS document, 'is ' || o.status || ' without a payment' AS what
			-- An order of nothing needs none.
			FROM orders o WHERE o.status = ANY ($1) AND o.total_minor > 0 AND NOT EXISTS (
				SELECT FROM payments p WHERE p.order_id = o.id AND NOT p.is_late
					AND p.status IN ('settled', 'refunding', 'refunded')
			)
			UNION ALL
			SELECT 'payment ' || p.reference, 'is ' || p.status || ', but order ' || o.number || ' is ' || o.status
			FROM payments p JOIN orders o ON o.id = p.order_id
			WHERE (p.status = 'settled' AND (NOT o.status = ANY ($1) OR o.status = 'refunded'))
				OR (p.status IN ('refunding', 'refunded') AND NOT p.is_late AND o.status <> 'refunded')
			UNION ALL
			SELECT 'payment ' || p.reference, 'has to go back, but no job does it' FROM payments p
			WHERE p.status = 'refunding'
				AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'refund:' || p.reference)
			UNION ALL
			SELECT 'payment ' || p.reference, 'is open, but no job looks after it' FROM payments p
			WHERE p.status = 'open'
				AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'check:' || p.reference)
			UNION ALL
			SELECT 'charge ' || c.reference, 'is ' || c.status || ' at the provider, but ' || coalesce(p.status, 'unknown') || ' here'
			FROM sandbox_charges c LEFT JOIN payments p USING (reference)
			WHERE (c.status = 'settled' AND p.status IS DISTINCT FROM 'settled'
					AND coalesce(p.status, '') NOT IN ('open', 'refunding'))
				OR (c.status = 'refunded' AND coalesce(p.status, '') NOT IN ('refunding', 'refunded'))`,
		values: [SOLD],
	});
}

interface Check {
	check: string;
	all: string;
	under_way?: string;
	/** Answers `document` and `what`. */
	wrong: string;
	values?: unknown[];
}

async function look(query: Snapshot, { check, all, under_way, wrong, values = [] }: Check): Promise<Look> {
	const count = async (sql: string) => (await query<{ rows: number }>(sql))[0]?.rows ?? 0;
	return {
		check,
		looked_at: await count(all),
		under_way: under_way ? await count(under_way) : 0,
		findings: await query<{ document: string; what: string }>(wrong, values),
	};
}
