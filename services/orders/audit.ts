import { CURRENCY } from "../../contracts/money.ts";
import { asUuid, type Check, type Remnant, type ServiceAudit, type Snapshot } from "../../database/audit.ts";
import { paymentChecks } from "./audit-payments.ts";
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
	check: "an order happened in this order",
	remedy:
		"Check the clocks of the servers; where units are to come back and no job does it, add the job `restock_order` for the order.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || o.number, 'was ' || h.status || ' at ' || h.at || ', before it was placed'
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
		FROM orders WHERE restocked AND status <> '${TRANSITIONS.refund.to}'
		UNION ALL
		SELECT 'order ' || number, 'is to have its units back on sale, but no job does it'
		FROM orders WHERE restocked AND NOT restock_done
			AND NOT EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'restock:' || orders.id)`,
};

const totals: Check = {
	check: "an order costs what its lines cost",
	remedy:
		"Take total and lines from the event order.placed or from the key's answer, whichever the buyer was told, and put them back by hand.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || o.number,
		'has a total of ' || o.total_minor || ', its lines make ' || coalesce(sum(l.price_minor::numeric * l.quantity), 0)
		FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
		GROUP BY o.id HAVING o.total_minor IS DISTINCT FROM sum(l.price_minor::numeric * l.quantity)
		UNION ALL
		SELECT 'order ' || o.number, 'has ' || l.quantity || ' units of product ' || l.product_id || ' for ' || l.price_minor
		FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.quantity <= 0 OR l.price_minor < 0
		UNION ALL
		SELECT 'line ' || l.line || ' of order ' || l.order_id, 'is that of no order'
		FROM order_lines l WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = l.order_id)`,
};

const currencies: Check = {
	check: "an order is in the shop's currency",
	remedy: "Set CURRENCY as it was when the orders were placed; a single other order was changed by hand.",
	count: EVERY_ORDER,
	breaches: `SELECT 'order ' || number, 'is in ' || currency || ', the shop''s currency is ' || $1::text
		FROM orders WHERE currency <> $1`,
	values: [CURRENCY],
};

/**
 * A pending order ends unpaid at the moment that its buyer was told: its key (answers() below) and its hold (stock.ts) say
 * when. ORDER_TTL_MINUTES may have been another when it was placed, up to a year.
 */
const expiries: Check = {
	check: "a pending order ends in time",
	remedy:
		"Start orders, whose sweep ends what is due; where the moment itself is wrong, set orders.expires_at to that of the hold.",
	count: "SELECT count(*)::integer AS rows FROM orders WHERE status = 'pending'",
	breaches: `SELECT 'order ' || number, CASE
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
};

const keys: Check = {
	check: "a key has one order, an order one reservation",
	remedy: "Look the order up by its events: it was deleted, or its key or reservation was changed by hand.",
	count: "SELECT count(*)::integer AS rows FROM idempotency_keys",
	breaches: `SELECT 'key ' || k.key || ' of user ' || k.user_id, 'has an order that is not there'
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
};

/** Stored responses to orders, repeated for 24 hours: the fields that an order keeps from its placing. */
const storedResponses: Check = {
	check: "a key repeats what its order is",
	remedy:
		"The buyer was told what the key says: put the order back to that, or delete the key where the order is right.",
	count: "SELECT count(*)::integer AS rows FROM idempotency_keys WHERE answer ? 'order'",
	breaches: `SELECT document, what FROM (
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
};

const knownOrders: Check = {
	check: "an order that had events is there",
	remedy:
		"Restore orders from a copy; if an older copy is all there is, `npm run audit -- --accept-restore` lets the shop go on without them.",
	count: "SELECT count(*)::integer AS rows FROM event_sequences",
	breaches: `SELECT s.aggregate, 'has had ' || s.sequence || ' events, but there is no such order'
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
};

/** The sweep is hourly: a shop that keeps a person longer has forgotten to forget, also where it stood meanwhile. */
const SWEPT_WITHIN = "2 days";

/**
 * An order that was settled after its owner was deleted is swept within the hour, so it is looked at once the sweep has
 * been there since, or should long have been.
 */
function remnants(query: Snapshot, user_ids: number[]): Promise<Remnant[]> {
	return query(
		`SELECT 'user ' || id AS document, 'was deleted, but orders does not know and no job tells it' AS what
		FROM unnest($1::integer[]) AS id WHERE NOT EXISTS (SELECT FROM deleted_users d WHERE d.user_id = id)
		UNION ALL
		SELECT 'order ' || o.number, 'has the address or note of user ' || o.user_id || ', who was deleted'
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
		[user_ids, SETTLED],
	);
}

export default {
	checks: [timestamps, totals, currencies, expiries, keys, storedResponses, knownOrders, ...paymentChecks],
	remnants,
} satisfies ServiceAudit;
