import type { EventName } from "../../contracts/actions.ts";
import { CURRENCY } from "../../contracts/money.ts";
import { INITIAL, type OrderStatus, STEPS } from "../../services/orders/states.ts";
import type { Look } from "./finding.ts";
import { asUuid, look } from "./look.ts";
import { lookAtPayments } from "./payments.ts";
import type { Snapshot, Sources } from "./snapshot.ts";

/** The event published when an order enters each status. */
export const EVENT_OF_STATUS: Record<string, EventName> = {
	[INITIAL]: "order.placed",
	...Object.fromEntries(Object.values(STEPS).map(({ to, event }) => [to, event])),
};

/** Checks orders, idempotency keys and payments in one snapshot. */
export function lookAtOrders(sources: Sources): Promise<Look[]> {
	return sources.snapshot("orders", async (query) => [
		await histories(query),
		await moments(query),
		await totals(query),
		await currencies(query),
		await expiries(query),
		await keys(query),
		await answers(query),
		...(await lookAtPayments(query)),
	]);
}

/** Tells whether a history follows the transitions of states.ts, from the initial status to the current one. */
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
	// Returns one row per distinct history, however many orders there are.
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
		cure: "Compare the order with its events (table outbox) and its payment, and set orders.status and order_history by hand to what they tell.",
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

const EVERY_ORDER = "SELECT count(*)::integer AS rows FROM orders";

/**
 * Checks the timestamps, numbers and restocks of orders. The bounds are loose, because server clocks are adjusted now
 * and then.
 */
async function moments(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "an order happened in this order",
		cure: "Check the clocks of the servers; where units are to come back and no job does it, add the job `restock_order` for the order.",
		all: EVERY_ORDER,
		wrong: `SELECT 'order ' || o.number, 'was ' || h.status || ' at ' || h.at || ', before it was placed'
			FROM order_history h JOIN orders o ON o.id = h.order_id WHERE h.at < o.created_at - interval '1 minute'
			UNION ALL
			SELECT 'order ' || o.number, 'was ' || h.status || ' at ' || h.at || ', which is still to come'
			FROM order_history h JOIN orders o ON o.id = h.order_id WHERE h.at > now() + interval '1 day'
			UNION ALL
			SELECT 'order ' || number, 'was placed at ' || created_at || ', which is still to come'
			FROM orders WHERE created_at > now() + interval '1 day'
			UNION ALL
			SELECT 'order ' || number, 'has a number that was not given out yet'
			FROM orders WHERE number ~ '^TK-[0-9]{1,18}$' AND substr(number, 4)::numeric > (SELECT last_value FROM order_numbers)
			UNION ALL
			SELECT 'order ' || number, 'has its units back on sale, but is ' || status
			FROM orders WHERE restocked AND status <> '${STEPS.refund.to}'
			UNION ALL
			SELECT 'order ' || number, 'is to have its units back on sale, but no job does it'
			FROM orders WHERE restocked AND NOT restock_done
				AND NOT EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'restock:' || orders.id)`,
	});
}

async function totals(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "an order costs what its lines cost",
		cure: "Take total and lines from the event order.placed or from the key's answer, whichever the buyer was told, and put them back by hand.",
		all: EVERY_ORDER,
		wrong: `SELECT 'order ' || o.number,
			'has a total of ' || o.total_minor || ', its lines make ' || coalesce(sum(l.price_minor::numeric * l.quantity), 0)
			FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
			GROUP BY o.id HAVING o.total_minor IS DISTINCT FROM sum(l.price_minor::numeric * l.quantity)
			UNION ALL
			SELECT 'order ' || o.number, 'has ' || l.quantity || ' units of product ' || l.product_id || ' for ' || l.price_minor
			FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.quantity <= 0 OR l.price_minor < 0
			UNION ALL
			SELECT 'line ' || l.line || ' of order ' || l.order_id, 'is that of no order'
			FROM order_lines l WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = l.order_id)`,
	});
}

async function currencies(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "an order is in the shop's currency",
		cure: "Set CURRENCY as it was when the orders were placed; a single other order was changed by hand.",
		all: EVERY_ORDER,
		wrong: `SELECT 'order ' || number, 'is in ' || currency || ', the shop''s currency is ' || $1::text
			FROM orders WHERE currency <> $1`,
		values: [CURRENCY],
	});
}

/**
 * Checks that a pending order has an expiry time and does not outlive it. The checks of its idempotency key (answers()
 * below) and of its hold (stock.ts) compare the exact time. ORDER_TTL_MINUTES may have been different when the order
 * was placed, up to a year.
 */
async function expiries(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "a pending order ends in time",
		cure: "Start orders, whose sweep ends what is due; where the moment itself is wrong, set orders.expires_at to that of the hold.",
		all: "SELECT count(*)::integer AS rows FROM orders WHERE status = 'pending'",
		wrong: `SELECT 'order ' || number, CASE
				WHEN expires_at IS NULL THEN 'is pending and never expires'
				WHEN expires_at < now() - interval '5 minutes' THEN 'should have ended at ' || expires_at || ', and is pending'
				ELSE 'is pending until ' || expires_at || ', longer than any order'
			END
			FROM orders
			WHERE status = $1 AND (
				expires_at IS NULL OR expires_at < now() - interval '5 minutes'
				OR expires_at > created_at + interval '366 days'
			)`,
		values: [INITIAL],
	});
}

async function keys(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "a key has one order, an order one reservation",
		cure: "Look the order up by its events: it was deleted, or its key or reservation was changed by hand.",
		all: "SELECT count(*)::integer AS rows FROM idempotency_keys",
		wrong: `SELECT 'key ' || k.key || ' of user ' || k.user_id, 'has an order that is not there'
			FROM idempotency_keys k
			WHERE k.answer ? 'order' AND NOT EXISTS (
				SELECT FROM orders o WHERE o.id = ${asUuid("k.answer->'order'->>'id'")} AND o.user_id = k.user_id
			)
			UNION ALL
			SELECT 'key ' || key || ' of user ' || user_id, 'was answered at ' || created_at || ', which is still to come'
			FROM idempotency_keys WHERE created_at > now() + interval '1 day'
			UNION ALL
			SELECT 'order ' || (answer->'order'->>'number'), 'has ' || count(*) || ' keys'
			FROM idempotency_keys WHERE answer ? 'order' GROUP BY answer->'order'->>'id', answer->'order'->>'number' HAVING count(*) > 1
			UNION ALL
			SELECT 'order ' || o.number, 'has ' || count(r.id) || ' reservations'
			FROM orders o LEFT JOIN reservations r ON r.order_id = o.id GROUP BY o.id HAVING count(r.id) <> 1`,
	});
}

/**
 * Compares orders with the response stored for their idempotency key, which is repeated for 24 hours. Compares only
 * fields that never change.
 */
async function answers(query: Snapshot): Promise<Look> {
	return look(query, {
		check: "a key repeats what its order is",
		cure: "The buyer was told what the key says: put the order back to that, or delete the key where the order is right.",
		all: "SELECT count(*)::integer AS rows FROM idempotency_keys WHERE answer ? 'order'",
		wrong: `SELECT document, what FROM (
				SELECT 'order ' || o.number AS document, CASE
					WHEN told->>'number' IS DISTINCT FROM o.number
					THEN concat('has this number, its buyer was answered ', told->>'number')
					WHEN told->>'total_minor' IS DISTINCT FROM o.total_minor::text
					THEN concat('has a total of ', o.total_minor, ', its buyer was answered ', told->>'total_minor')
					WHEN told->>'currency' IS DISTINCT FROM o.currency
					THEN concat('is in ', o.currency, ', its buyer was answered ', told->>'currency')
					WHEN CASE WHEN pg_input_is_valid(told->>'expires_at', 'timestamptz') THEN (told->>'expires_at')::timestamptz END
						IS DISTINCT FROM o.expires_at
					THEN concat('expires at ', o.expires_at, ', its buyer was answered ', told->>'expires_at')
					WHEN ${linesIn("told->'lines'")} IS DISTINCT FROM ${LINES}
					THEN 'has other lines than its buyer was answered'
				END AS what
				FROM idempotency_keys k CROSS JOIN LATERAL (SELECT k.answer->'order' AS told) AS answered
				JOIN orders o ON o.id = ${asUuid("told->>'id'")} AND o.user_id = k.user_id
			) AS compared WHERE what IS NOT NULL`,
	});
}

/** SQL: the lines of order `o` without product names. */
export const LINES = `(
	SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'price_minor', l.price_minor, 'quantity', l.quantity) ORDER BY l.line)
	FROM order_lines l WHERE l.order_id = o.id
)`;

/** SQL: the same for lines in JSON; null if it is not a list. */
export const linesIn = (json: string) => `(
	SELECT jsonb_agg(jsonb_build_object(
		'product_id', i->'product_id', 'price_minor', i->'price_minor', 'quantity', i->'quantity'
	) ORDER BY position)
	FROM jsonb_array_elements(CASE jsonb_typeof(${json}) WHEN 'array' THEN ${json} END) WITH ORDINALITY AS item (i, position)
)`;
