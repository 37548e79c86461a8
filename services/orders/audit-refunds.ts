import type { Check, Computed, ComputedCheck } from "../../database/audit.ts";
import { type OrderRow, WITH_LINES } from "./model.ts";
import { type PaidOrder, refundOf, refundOfRest } from "./pricing/refunds.ts";
import { paidOrder, type RefundRow, WITH_REFUND_LINES } from "./refunds.ts";
import { TRANSITIONS } from "./states.ts";

const EVERY_REFUND = "SELECT count(*)::integer AS rows FROM refunds";

const REFUND = "'refund ' || r.sequence || ' of order ' || o.number";

/** Counters of orders and lines beside the sums of their refunds; an order that an earlier version refunded has none. */
const counters: Check = {
	check: "no more is refunded than was paid",
	remedy:
		"Compare the refunds at the provider with the table refunds, and correct orders.refunded_minor and order_lines.refunded_quantity.",
	count: "SELECT count(*)::integer AS rows FROM orders WHERE refunded_minor <> 0",
	breaches: `SELECT 'order ' || o.number, CASE
			WHEN o.refunded_minor NOT BETWEEN 0 AND o.total_minor
			THEN 'costs ' || o.total_minor || ', but ' || o.refunded_minor || ' are refunded'
			ELSE 'has ' || o.refunded_minor || ' refunded, but its refunds sum to ' || coalesce(sum(r.amount_minor), 0)
		END
		FROM orders o LEFT JOIN refunds r ON r.order_id = o.id
		WHERE o.refunded_minor <> 0 OR r.id IS NOT NULL
		GROUP BY o.id HAVING o.refunded_minor NOT BETWEEN 0 AND o.total_minor
			OR o.refunded_minor <> coalesce(sum(r.amount_minor), 0) AND NOT (o.status = $1 AND count(r.id) = 0)
		UNION ALL
		SELECT 'order ' || o.number, 'has given back ' || l.refunded_quantity || ' of ' || l.quantity || ' units of line ' || l.line
			|| ', but its refunds ' || coalesce(sum(part.quantity), 0)
		FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN refunds r ON r.order_id = o.id
		LEFT JOIN refund_lines part ON part.refund_id = r.id AND part.line = l.line
		WHERE l.refunded_quantity <> 0 OR part.line IS NOT NULL
		GROUP BY o.id, l.order_id, l.line
		HAVING l.refunded_quantity NOT BETWEEN 0 AND l.quantity OR l.refunded_quantity <> coalesce(sum(part.quantity), 0)
		UNION ALL
		SELECT ${REFUND}, 'gives back ' || r.amount_minor || ', but its parts sum to '
			|| r.shipping_minor + r.other_minor + coalesce(sum(part.amount_minor), 0)
		FROM refunds r JOIN orders o ON o.id = r.order_id LEFT JOIN refund_lines part ON part.refund_id = r.id
		GROUP BY r.id, o.id HAVING r.amount_minor <> r.shipping_minor + r.other_minor + coalesce(sum(part.amount_minor), 0)
		UNION ALL
		SELECT 'order ' || o.number, 'is ' || o.status || ', although all of it is refunded'
		FROM orders o WHERE o.status <> $1 AND o.total_minor > 0 AND o.refunded_minor = o.total_minor
		UNION ALL
		SELECT 'order ' || o.number, 'is ' || o.status || ', although ' || o.total_minor - o.refunded_minor || ' of it are not refunded'
		FROM orders o WHERE o.status = $1 AND o.refunded_minor < o.total_minor AND EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id)
		UNION ALL
		SELECT 'refund ' || r.id, 'belongs to no order' FROM refunds r
		WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = r.order_id)`,
	values: [TRANSITIONS.refund.to],
};

const jobs: Check = {
	check: "a refund moves its money and units",
	remedy:
		"Add the job that is missing: `pay_refund` with the key pay_refund:<id>, or `restock_refund` with restock_refund:<id>.",
	count: EVERY_REFUND,
	in_progress: `SELECT count(*)::integer AS rows FROM refunds r WHERE r.status = 'pending' OR r.restock AND NOT r.is_whole AND NOT r.restock_done`,
	breaches: `SELECT ${REFUND}, 'must be paid, but has no job for it' FROM refunds r JOIN orders o ON o.id = r.order_id
		WHERE r.status = 'pending' AND NOT EXISTS (
			SELECT FROM graphile_worker.jobs j
			WHERE j.key = CASE WHEN r.is_whole THEN 'refund:' || r.payment_reference ELSE 'pay_refund:' || r.id END
		)
		UNION ALL
		SELECT ${REFUND}, 'must be restocked, but has no job for it' FROM refunds r JOIN orders o ON o.id = r.order_id
		WHERE r.restock AND NOT r.is_whole AND NOT r.restock_done
			AND NOT EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'restock_refund:' || r.id)
		UNION ALL
		SELECT ${REFUND}, CASE WHEN r.restock THEN 'is to be restocked, but its order is not' ELSE 'is not to be restocked, but its order is' END
		FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.is_whole AND r.restock <> o.restocked`,
};

/** The id of refund `r` at the provider. */
const ID_THERE = "CASE WHEN r.is_whole THEN r.payment_reference ELSE r.id::text END";

/**
 * A process of the version before leaves no record of a whole refund; the status of its charge is compared with that of its
 * payment.
 */
const books: Check = {
	check: "refunds match the provider's",
	remedy: "Look the refund up at the provider, and correct its status here; give back what it has not.",
	count: "SELECT count(*)::integer AS rows FROM sandbox_refunds",
	breaches: `SELECT ${REFUND}, 'is ' || r.status || ', but at the provider ' || CASE
			WHEN b.id IS NULL THEN 'there is none' ELSE 'it gave ' || b.amount_minor || ' of ' || r.amount_minor || ' back' END
		FROM refunds r JOIN orders o ON o.id = r.order_id LEFT JOIN sandbox_refunds b ON b.id = ${ID_THERE}
		WHERE r.amount_minor > 0 AND CASE r.status
			WHEN 'refunded' THEN b.amount_minor IS DISTINCT FROM r.amount_minor AND NOT (r.is_whole AND b.id IS NULL)
			WHEN 'pending' THEN b.amount_minor <> r.amount_minor
			ELSE b.id IS NOT NULL
		END
		UNION ALL
		SELECT 'refund ' || b.id, 'is at the provider, but unknown here' FROM sandbox_refunds b
		WHERE NOT EXISTS (SELECT FROM payments p WHERE p.reference = b.id)
			AND NOT EXISTS (SELECT FROM refunds r WHERE r.id::text = b.id AND r.payment_reference = b.reference)
		UNION ALL
		SELECT 'payment ' || p.reference, 'is for ' || p.amount_minor || ', but the provider gave ' || sum(b.amount_minor) || ' back'
		FROM payments p JOIN sandbox_refunds b USING (reference)
		GROUP BY p.reference HAVING sum(b.amount_minor) > p.amount_minor`,
};

/** Compares the refunds of orders with their counters, their jobs and the books of the provider. */
export const refundChecks: Check[] = [counters, jobs, books];

/** Number of orders of a page. */
const PAGE = 500;

/** Computes each refund again, from what its order had given back before. */
export const refundAmounts: ComputedCheck = {
	check: "a refund gives back what was paid",
	remedy:
		"The buyer got the stored amount: give back the rest by hand if it was less, and leave it if it was more.",
	async page(query, after) {
		const rows = await query<{ order: OrderRow; refunds: RefundRow[] }>(
			`SELECT ${WITH_LINES} AS "order", (
				SELECT jsonb_agg(${WITH_REFUND_LINES} ORDER BY r.sequence) FROM refunds r WHERE r.order_id = o.id
			) AS refunds
			FROM orders o
			WHERE EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id) AND ($1::uuid IS NULL OR o.id > $1)
			ORDER BY o.id LIMIT ${PAGE}`,
			[after ?? null],
		);
		return {
			checked: rows.length,
			findings: rows.flatMap(({ order, refunds }) => differences(order, refunds)),
			next: rows[PAGE - 1]?.order.id,
		};
	},
};

function differences(order: OrderRow, refunds: RefundRow[]): Computed["findings"] {
	let before = untouched(paidOrder(order));
	return refunds.flatMap((refund) => {
		const { sequence, lines, shipping_minor, other_minor } = refund;
		const isRight = isComputed(before, refund);
		before = {
			...before,
			lines: before.lines.map((each) => ({
				...each,
				refunded_quantity:
					each.refunded_quantity + (lines.find(({ line }) => line === each.line)?.quantity ?? 0),
			})),
			is_shipping_refunded: before.is_shipping_refunded || shipping_minor > 0,
			refunded_minor: before.refunded_minor + refund.amount_minor,
		};
		const amounts = [...lines.map(({ amount_minor }) => amount_minor), shipping_minor, other_minor];
		const what = `has a refund ${sequence} with other amounts (${amounts.join(", ")}) than its lines give`;
		return isRight ? [] : [{ document: `order ${order.number}`, what }];
	});
}

function untouched(order: PaidOrder): PaidOrder {
	const lines = order.lines.map((line) => ({ ...line, refunded_quantity: 0 }));
	return { ...order, lines, is_shipping_refunded: false, refunded_minor: 0 };
}

/** Tells whether the amounts of a refund are those of a part of the order, or those of the rest. */
function isComputed(before: PaidOrder, { lines, shipping_minor, other_minor }: RefundRow): boolean {
	const stored = JSON.stringify([lines.map(toList), shipping_minor, other_minor]);
	const isStored = (computed: ReturnType<typeof refundOf>) =>
		"items" in computed &&
		JSON.stringify([computed.items.map(toList), computed.shipping_minor, computed.other_minor]) === stored;
	const request = { items: lines, shipping: shipping_minor > 0, amount_minor: other_minor };
	try {
		return isStored(refundOf(before, request)) || isStored(refundOfRest(before));
	} catch (error) {
		if (error instanceof RangeError) {
			// A stored amount is no amount.
			return false;
		}
		throw error;
	}
}

function toList({ line, quantity, amount_minor }: RefundRow["lines"][number]): number[] {
	return [line, quantity, amount_minor];
}
