import { PROVIDER_EVENTS_KEPT_DAYS } from "../../config/retention.ts";
import type { Check } from "../../database/audit.ts";
import { BOUGHT, SOLD } from "./states.ts";

/** A payment that is no failure: the provider took the money. */
const PAID = ["settled", "refunding", "refunded"];

/** The provider has not taken the money of payment `p`, whose charge is `c`. Its webhook is its word as well. */
const IS_UNCHARGED = `(c.status = 'cancelled' AND p.method = 'instant'
	OR coalesce(c.status, 'cancelled') = 'cancelled'
	AND p.updated_at > now() - interval '${PROVIDER_EVENTS_KEPT_DAYS} days' AND NOT EXISTS (
		SELECT FROM provider_events e WHERE e.reference = p.reference AND e.type = 'payment.settled'
	))`;

/** The provider has not given back all of payment `p`: it refused a refund, or cannot carry it out. */
const HAS_UNPAID_REFUND = `EXISTS (
	SELECT FROM refunds r WHERE r.payment_reference = p.reference AND r.status IN ('refused', 'manual')
)`;

/** There is a job that gives back payment `p`, or parts of it. */
const IS_BEING_REFUNDED = `EXISTS (
	SELECT FROM graphile_worker.jobs WHERE key = 'refund:' || p.reference OR key IN (
		SELECT 'pay_refund:' || r.id FROM refunds r WHERE r.payment_reference = p.reference AND r.status = 'pending'
	)
)`;

const EVERY_PAYMENT = "SELECT count(*)::integer AS rows FROM payments";

const paid: Check = {
	check: "an order and its payment agree",
	remedy:
		"Look the payment up at the provider: if money was received without an order for it, refund it (`v1.orders.refund`), otherwise correct the state by hand.",
	count: EVERY_PAYMENT,
	breaches: `SELECT 'order ' || o.number, 'is ' || o.status || ' without a payment'
		-- An order of nothing needs none.
		FROM orders o WHERE o.status = ANY ($1) AND o.total_minor > 0 AND NOT EXISTS (
			SELECT FROM payments p WHERE p.order_id = o.id AND NOT p.is_late AND p.status = ANY ($2)
		)
		UNION ALL
		SELECT 'payment ' || p.reference, 'is ' || p.status || ', but order ' || o.number || ' is ' || o.status
		FROM payments p JOIN orders o ON o.id = p.order_id
		WHERE (p.status = 'settled' AND NOT o.status = ANY ($3) AND NOT ${HAS_UNPAID_REFUND})
			OR (p.status IN ('refunding', 'refunded') AND NOT p.is_late AND o.status <> 'refunded')
		UNION ALL
		SELECT 'payment ' || reference, 'is ' || status || ', although it came too late for its order'
		FROM payments WHERE is_late AND status NOT IN ('refunding', 'refunded')
		UNION ALL
		SELECT 'payment ' || reference, 'belongs to no order'
		FROM payments p WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = p.order_id)
		UNION ALL
		SELECT 'order ' || o.number, 'was paid ' || count(*) || ' times: ' || string_agg(p.reference, ', ' ORDER BY p.reference)
		FROM payments p JOIN orders o ON o.id = p.order_id
		WHERE NOT p.is_late AND p.status = ANY ($2) GROUP BY o.id HAVING count(*) > 1
		UNION ALL
		SELECT 'order ' || o.number, 'was paid by ' || h.actor || ', which is not a payment of this order'
		FROM order_history h JOIN orders o ON o.id = h.order_id
		WHERE h.status = 'paid' AND h.actor LIKE 'payment:%' AND NOT EXISTS (
			SELECT FROM payments p WHERE 'payment:' || p.reference = h.actor AND p.order_id = o.id
				AND NOT p.is_late AND p.status = ANY ($2)
		)`,
	values: [SOLD, PAID, BOUGHT],
};

const openPayments: Check = {
	check: "an open payment is resolved",
	remedy:
		"Set payments.check_at to now(), so that the provider is asked; if the money must be refunded, add the job `refund_payment` with its key.",
	count: "SELECT count(*)::integer AS rows FROM payments WHERE status IN ('open', 'refunding')",
	in_progress: `SELECT count(*)::integer AS rows FROM payments p WHERE p.status = 'refunding' AND ${IS_BEING_REFUNDED}`,
	breaches: `SELECT 'payment ' || p.reference, 'must be refunded, but has no job for it' FROM payments p
		WHERE p.status = 'refunding' AND NOT ${IS_BEING_REFUNDED}
		UNION ALL
		SELECT 'payment ' || reference,
			'is due at ' || due_at || ', but is checked ' || coalesce('only at ' || check_at, 'never')
		FROM payments WHERE status = 'open'
			AND (check_at IS NULL OR check_at > greatest(due_at, now()) + interval '5 minutes')
		UNION ALL
		SELECT 'payment ' || p.reference, 'is one of ' || count(*) OVER (PARTITION BY p.order_id, p.method) || ' open payments of an order by ' || p.method
		FROM payments p WHERE p.status = 'open' AND EXISTS (
			SELECT FROM payments q WHERE q.order_id = p.order_id AND q.method = p.method AND q.status = 'open'
				AND q.reference <> p.reference
		)
		UNION ALL
		SELECT 'payment ' || p.reference, 'is due at ' || p.due_at || ', but order ' || o.number || ' expires at ' || o.expires_at
		FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.status = 'open' AND p.due_at <> o.expires_at`,
};

const amounts: Check = {
	check: "a payment equals its order's total",
	remedy:
		"The provider's amount is the one that was charged: if it differs from the order's total, refund the difference there and correct the row.",
	count: EVERY_PAYMENT,
	breaches: `SELECT 'order ' || o.number, 'costs ' || o.total_minor || ', but payment ' || p.reference || ' is for ' || p.amount_minor
		FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.amount_minor <> o.total_minor
		UNION ALL
		SELECT 'charge ' || c.reference,
			'is for ' || c.amount_minor || ' at the provider, but the payment of order ' || o.number || ' is for ' || p.amount_minor
		FROM sandbox_charges c JOIN payments p USING (reference) JOIN orders o ON o.id = p.order_id
		WHERE c.status <> 'cancelled' AND c.amount_minor <> p.amount_minor`,
};

/**
 * A transfer is in the sandbox's books only once it ended: that it was settled, only its webhook tells. Its charge may be
 * cancelled although it was settled, where the two came at the same moment.
 */
const charges: Check = {
	check: "payments match the provider's charges",
	remedy:
		"Look the charge up at the provider: depending on its state there, refund it there or correct the payment here.",
	count: "SELECT count(*)::integer AS rows FROM sandbox_charges",
	breaches: `SELECT 'charge ' || c.reference, 'is ' || c.status || ' at the provider, but unknown here'
		FROM sandbox_charges c WHERE NOT EXISTS (SELECT FROM payments p WHERE p.reference = c.reference)
		UNION ALL
		SELECT 'charge ' || p.reference, 'is ' || coalesce(c.status, 'missing') || ' at the provider, but ' || p.status
			|| ' here, for order ' || o.number
		FROM payments p JOIN orders o ON o.id = p.order_id LEFT JOIN sandbox_charges c USING (reference)
		WHERE CASE p.status
			WHEN 'failed' THEN c.status IN ('settled', 'refunded')
			WHEN 'open' THEN c.status = 'refunded'
			WHEN 'refunded' THEN c.status IS DISTINCT FROM 'refunded'
			WHEN 'settled' THEN c.status = 'refunded' OR ${IS_UNCHARGED}
			WHEN 'refunding' THEN ${IS_UNCHARGED}
		END`,
};

const webhooks: Check = {
	check: "webhooks match payments",
	remedy:
		"Delete the webhook's row in provider_events and have the provider send it again, or correct the payment by hand.",
	count: "SELECT count(*)::integer AS rows FROM provider_events",
	breaches: `SELECT 'webhook ' || e.id, 'reported ' || e.type || ', but payment ' || p.reference || ' is ' || p.status
		FROM provider_events e JOIN payments p USING (reference)
		WHERE e.type = 'payment.settled' AND NOT p.status = ANY ($1) OR e.type = 'payment.failed' AND p.status = 'open'
		UNION ALL
		SELECT 'webhook ' || e.id, 'reported ' || e.amount_minor || ', but payment ' || p.reference || ' is for ' || p.amount_minor
		FROM provider_events e JOIN payments p USING (reference) WHERE e.amount_minor <> p.amount_minor`,
	values: [PAID],
};

/** Compares the totals of orders with their payments and with the books of the provider. */
export const paymentChecks: Check[] = [paid, openPayments, amounts, charges, webhooks];
