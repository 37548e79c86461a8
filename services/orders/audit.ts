import { CURRENCY } from "../../contracts/money.ts";
import { asUuid, type Check, type Remnant, type ServiceAudit, type Snapshot } from "../../database/audit.ts";
import { cartChecks, cartRemnants } from "./audit-carts.ts";
import { invoiceChecks } from "./audit-invoices.ts";
import { paymentChecks } from "./audit-payments.ts";
import { priceChecks, prices } from "./audit-prices.ts";
import { refundAmounts, refundChecks } from "./audit-refunds.ts";
import { INITIAL, SETTLED, TRANSITIONS } from "./states.ts";

/** The lines of order `o`, without names. */
export const LINES = `(
	SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'price_minor', l.price_minor, 'quantity', l.quantity) ORDER BY l.line)
	FROM order_lines l WHERE l.order_id = o.id
)`;

/** The same of lines in JSON; null where it is no list. */
export const linesIn = (json: string) => `(
	SELECT jsonb_agg(jsonb_build_object(
		'product_id', i->'product_id', 'price_minor', i->'price_minor', 'quantity', i->'quantity'
	) ORDER BY position)
	FROM jsonb_array_elements(CASE jsonb_typeof(${json}) WHEN 'array' THEN ${json} END) WITH ORDINALITY AS item (i, position)
)`;

const EVERY_ORDER = "SELECT count(*)::integer AS rows FROM orders";

/** Clocks of servers are set right now and then, so these are no tight bounds. */
const timestamps: Check = {
	check: "the timestamps of an order are consistent",
	remedy:
		"Check the clocks of the servers; if an order must be restocked and has no job, add the job `restock_order` for it.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || o.number, 'was ' || h.status || ' at ' || h.at || ', before it was placed'
		FROM order_history h JOIN orders o ON o.id = h.order_id WHERE h.at < o.created_at - interval '1 minute'
		UNION ALL
		SELECT 'order ' || o.number, 'was ' || h.status || ' at ' || h.at || ', which is in the future'
		FROM order_history h JOIN orders o ON o.id = h.order_id WHERE h.at > now() + interval '1 day'
		UNION ALL
		SELECT 'order ' || number, 'was placed at ' || created_at || ', which is in the future'
		FROM orders WHERE created_at > now() + interval '1 day'
		UNION ALL
		SELECT 'order ' || number, 'has a number that was not assigned yet'
		FROM orders WHERE number ~ '^TK-[0-9]{1,18}$' AND substr(number, 4)::numeric > (SELECT last_value FROM order_numbers)
		UNION ALL
		SELECT 'order ' || number, 'was restocked, but is ' || status
		FROM orders WHERE restocked AND status <> '${TRANSITIONS.refund.to}'
		UNION ALL
		SELECT 'order ' || number, 'must be restocked, but has no job for it'
		FROM orders WHERE restocked AND NOT restock_done
			AND NOT EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'restock:' || orders.id)`,
};

/** Paid for line `l`. */
const PAID = "coalesce(l.paid_minor, l.price_minor::numeric * l.quantity)";

const totals: Check = {
	check: "an order's total is the sum of its lines",
	remedy:
		"Correct the total and the lines by hand, according to the event order.placed or the response stored under the key.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || o.number,
		'has a total of ' || o.total_minor || ', but its lines sum to ' || coalesce(sum(${PAID}), 0)
			|| CASE WHEN o.shipping_paid_minor = 0 THEN '' ELSE ', and shipping to ' || o.shipping_paid_minor END
		FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
		GROUP BY o.id HAVING o.total_minor IS DISTINCT FROM sum(${PAID}) + o.shipping_paid_minor
		UNION ALL
		SELECT 'order ' || o.number, 'has ' || l.quantity || ' units of product ' || l.product_id || ' for ' || l.price_minor
		FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.quantity <= 0 OR l.price_minor < 0
		UNION ALL
		SELECT 'line ' || l.line || ' of order ' || l.order_id, 'belongs to no order'
		FROM order_lines l WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = l.order_id)`,
};

const currencies: Check = {
	check: "an order is in the shop's currency",
	remedy:
		"Set CURRENCY to the value that it had when the orders were placed; a single deviating order was changed by hand.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || number, 'is in ' || currency || ', but the shop''s currency is ' || $1::text
		FROM orders WHERE currency <> $1`,
	values: [CURRENCY],
};

/**
 * A pending order expires at the time in the response to its buyer, which its key (`storedResponses`) and its hold
 * (tools/audit/stock.ts) record too. ORDER_TTL_MINUTES may have been different when it was placed, up to a year.
 */
const expiries: Check = {
	check: "a pending order expires on time",
	remedy:
		"Start orders, whose sweep expires overdue orders; if the time itself is wrong, set orders.expires_at to that of the hold.",
	count: "SELECT count(*)::integer AS rows FROM orders WHERE status = 'pending'",
	breaches: `SELECT 'order ' || number, CASE
			WHEN expires_at IS NULL THEN 'is pending and never expires'
			WHEN expires_at < now() - interval '5 minutes' THEN 'should have expired at ' || expires_at || ', but is pending'
			ELSE 'is pending until ' || expires_at || ', longer than allowed'
		END
		FROM orders
		WHERE status = $1 AND (
			expires_at IS NULL OR expires_at < now() - interval '5 minutes'
			OR expires_at > created_at + interval '366 days'
		)`,
	values: [INITIAL],
};

const keys: Check = {
	check: "a key has one order, and an order one reservation",
	remedy: "Look the order up by its events: it was deleted, or its key or reservation was changed by hand.",
	count: "SELECT count(*)::integer AS rows FROM idempotency_keys",
	breaches: `SELECT 'key ' || k.key || ' of user ' || k.user_id, 'has an order that does not exist'
		FROM idempotency_keys k
		WHERE k.answer ? 'order' AND NOT EXISTS (
			SELECT FROM orders o WHERE o.id = ${asUuid("k.answer->'order'->>'id'")} AND o.user_id = k.user_id
		)
		UNION ALL
		SELECT 'key ' || key || ' of user ' || user_id, 'was stored at ' || created_at || ', which is in the future'
		FROM idempotency_keys WHERE created_at > now() + interval '1 day'
		UNION ALL
		SELECT 'order ' || (answer->'order'->>'number'), 'has ' || count(*) || ' keys'
		FROM idempotency_keys WHERE answer ? 'order' GROUP BY answer->'order'->>'id', answer->'order'->>'number' HAVING count(*) > 1
		UNION ALL
		SELECT 'order ' || o.number, 'has ' || count(r.id) || ' reservations'
		FROM orders o LEFT JOIN reservations r ON r.order_id = o.id GROUP BY o.id HAVING count(r.id) <> 1`,
};

/** Stored responses to orders, repeated for 24 hours: the fields that an order keeps from its placing. */
const storedResponses: Check = {
	check: "a stored response matches its order",
	remedy:
		"The buyer received the stored response: restore the order to match it, or delete the key if the order is correct.",
	count: "SELECT count(*)::integer AS rows FROM idempotency_keys WHERE answer ? 'order'",
	breaches: `SELECT document, what FROM (
			SELECT 'order ' || o.number AS document, CASE
				WHEN told->>'number' IS DISTINCT FROM o.number
				THEN concat('has this number, but ', told->>'number', ' in the stored response')
				WHEN told->>'total_minor' IS DISTINCT FROM o.total_minor::text
				THEN concat('has a total of ', o.total_minor, ', but ', told->>'total_minor', ' in the stored response')
				WHEN told->>'currency' IS DISTINCT FROM o.currency
				THEN concat('is in ', o.currency, ', but in ', told->>'currency', ' in the stored response')
				WHEN CASE WHEN pg_input_is_valid(told->>'expires_at', 'timestamptz') THEN (told->>'expires_at')::timestamptz END
					IS DISTINCT FROM o.expires_at
				THEN concat('expires at ', o.expires_at, ', but at ', told->>'expires_at', ' in the stored response')
				WHEN ${linesIn("told->'lines'")} IS DISTINCT FROM ${LINES}
				THEN 'has other lines than in the stored response'
			END AS what
			FROM idempotency_keys k CROSS JOIN LATERAL (SELECT k.answer->'order' AS told) AS answered
			JOIN orders o ON o.id = ${asUuid("told->>'id'")} AND o.user_id = k.user_id
		) AS compared WHERE what IS NOT NULL`,
};

const knownOrders: Check = {
	check: "an order with events exists",
	remedy:
		"Restore orders from a copy; if there is only an older copy, `npm run audit -- --accept-restore` lets the shop continue without them.",
	count: "SELECT count(*)::integer AS rows FROM event_sequences",
	breaches: `SELECT s.aggregate, 'published ' || s.sequence || ' events, but does not exist'
		FROM event_sequences s
		WHERE s.lost < s.sequence AND NOT EXISTS (SELECT FROM orders o WHERE o.id = ${asUuid("substr(s.aggregate, 7)")})
		UNION ALL
		SELECT 'job ' || j.id || ' of orders', 'is ' || j.task_identifier || ' of ' || j.key || ', which does not exist'
		FROM graphile_worker.jobs j
		WHERE starts_with(j.key, 'restock:') AND NOT EXISTS (SELECT FROM orders o WHERE o.id = ${asUuid("substr(j.key, 9)")})
		UNION ALL
		SELECT 'job ' || j.id || ' of orders', 'is ' || j.task_identifier || ' of ' || j.key || ', which does not exist'
		FROM graphile_worker.jobs j
		WHERE starts_with(j.key, 'refund:') AND NOT EXISTS (SELECT FROM payments p WHERE p.reference = substr(j.key, 8))
		UNION ALL
		SELECT 'job ' || j.id || ' of orders', 'is ' || j.task_identifier || ' of ' || j.key || ', which does not exist'
		FROM graphile_worker.jobs j
		WHERE j.key ~ '^(pay|restock)_refund:'
			AND NOT EXISTS (SELECT FROM refunds r WHERE r.id = ${asUuid("split_part(j.key, ':', 2)")})`,
};

/** The sweep is hourly: a shop that keeps a person longer has forgotten to forget, also where it stood meanwhile. */
const SWEPT_WITHIN = "2 days";

/** SQL expression: the moment up to which orders of deleted user `d` have been swept, or should have been. */
const SWEPT = `greatest(
	d.at, now() - interval '${SWEPT_WITHIN}',
	(SELECT last_execution FROM graphile_worker._private_known_crontabs WHERE identifier = 'forget_deleted_users')
)`;

/**
 * An order that was settled after its owner was deleted is swept within the hour, so it is looked at once the sweep has
 * been there since, or should long have been.
 */
async function remnants(query: Snapshot, user_ids: number[]): Promise<Remnant[]> {
	const carts = await cartRemnants(query, user_ids, SWEPT);
	const found = await query<{ document: string; what: string }>(
		`SELECT 'user ' || id AS document, 'was deleted, but orders was not told and no job will tell it' AS what
		FROM unnest($1::integer[]) AS id WHERE NOT EXISTS (SELECT FROM deleted_users d WHERE d.user_id = id)
		UNION ALL
		SELECT 'order ' || o.number, 'has the address or note of user ' || o.user_id || ', who was deleted'
		FROM orders o JOIN deleted_users d USING (user_id)
		WHERE o.user_id = ANY ($1) AND o.status = ANY ($2) AND (
				o.shipping_address IS NOT NULL OR o.note IS NOT NULL OR o.address IS NOT NULL OR o.tracking_number IS NOT NULL
				OR EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id AND r.reason IS NOT NULL AND r.created_at < ${SWEPT})
			)
			AND (SELECT max(h.at) FROM order_history h WHERE h.order_id = o.id) < ${SWEPT}
		UNION ALL
		SELECT 'key ' || k.key || ' of user ' || k.user_id, 'returns the address or note of a user who was deleted'
		FROM idempotency_keys k JOIN deleted_users d USING (user_id)
		WHERE k.user_id = ANY ($1) 
			AND coalesce(k.answer->'order'->>'shipping_address', k.answer->'order'->>'note', k.answer->'order'->>'address') IS NOT NULL`,
		[user_ids, SETTLED],
	);
	return [...found, ...carts];
}

export default {
	checks: [
		...[timestamps, totals, currencies, expiries, keys, storedResponses, knownOrders],
		...paymentChecks,
		...priceChecks,
		...cartChecks,
		...invoiceChecks,
		...refundChecks,
	],
	computed: [prices, refundAmounts],
	remnants,
} satisfies ServiceAudit;
