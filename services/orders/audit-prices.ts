import type { Check, Computed, ComputedCheck } from "../../database/audit.ts";
import { type Costs, costsOf, pricedLines, toPrice } from "./costs.ts";
import { type OrderLine, type OrderRow, WITH_LINES } from "./model.ts";
import { price } from "./pricing/price.ts";
import type { Shipping } from "./pricing/shipping.ts";
import type { MethodRow } from "./shipping.ts";
import { VOUCHER_GIVEN_BACK } from "./states.ts";
import { termsOfVoucher, type VoucherRow } from "./vouchers.ts";

/** A priced order with the terms that it keeps. */
interface Priced extends OrderRow {
	voucher_terms: VoucherRow | null;
	shipping_terms: MethodRow | null;
}

/** Number of orders of a page. */
const PAGE = 500;

const AMOUNTS = [
	"subtotal_minor",
	"discount_minor",
	"shipping_minor",
	"shipping_discount_minor",
	"shipping_tax_minor",
	"shipping_paid_minor",
	"tax_minor",
	"total_minor",
] as const satisfies (keyof Costs)[];

const LINE_AMOUNTS = ["discount_minor", "tax_minor", "paid_minor"] as const satisfies (keyof OrderLine)[];

/** An address is erased with its user, so it is left open whether the method ships there. */
const ANYWHERE = "ID";

/** Recomputes what orders cost from their copies of all terms; those without discount, fee and tax are sums of lines. */
export const prices: ComputedCheck = {
	check: "an order costs what its terms give",
	remedy:
		"The buyer was answered and charged the stored total: look the order up by its events and correct the terms by hand, or refund the difference.",
	async page(query, after) {
		const rows = await query<{ order: Priced }>(
			`SELECT ${WITH_LINES} AS "order" FROM orders o
			WHERE o.subtotal_minor IS NOT NULL AND ($1::uuid IS NULL OR o.id > $1) ORDER BY o.id LIMIT ${PAGE}`,
			[after ?? null],
		);
		return {
			checked: rows.length,
			findings: rows.flatMap(({ order }) => differences(order)),
			next: rows[PAGE - 1]?.order.id,
		};
	},
};

function differences(order: Priced): Computed["findings"] {
	const document = `order ${order.number}`;
	const lines = order.lines ?? [];
	const tax = { basis_points: order.tax_basis_points ?? 0, is_included: order.tax_included ?? true };
	const { shipping_terms, voucher_terms } = order;
	const priced = price({
		lines: toPrice(lines),
		shipping: shipping_terms && shippingOf(order, shipping_terms),
		// Only that moment could tell whether it applied.
		voucher: voucher_terms && termsOfVoucher({ ...voucher_terms, starts_at: null, ends_at: null }),
		tax,
		at: new Date(order.created_at),
	});
	if ("refused" in priced) {
		return [{ document, what: "costs more than an order can" }];
	}
	const costs = costsOf(priced, tax);
	const computed = pricedLines(lines, priced, tax);
	return [
		...priced.reasons.map(({ about, reason }) => `has a ${about} that does not apply: ${reason}`),
		...AMOUNTS.filter((name) => (costs[name] ?? 0) !== order[name]).map(
			(name) => `has a ${name} of ${order[name]}, but its terms give ${costs[name] ?? 0}`,
		),
		...lines.flatMap((line, place) =>
			LINE_AMOUNTS.filter((name) => (computed[place]?.[name] ?? 0) !== line[name]).map(
				(name) =>
					`has a ${name} of ${line[name]} in line ${place + 1}, but its terms give ${computed[place]?.[name] ?? 0}`,
			),
		),
	].map((what) => ({ document, what }));
}

function shippingOf({ shipping_method }: OrderRow, terms: MethodRow): Shipping {
	const method = { ...terms, code: shipping_method ?? "", zones: [{ country: ANYWHERE }] };
	return { method, destination: { country: ANYWHERE } };
}

const uses: Check = {
	check: "a voucher's uses are its orders",
	remedy:
		"Correct voucher_limits.used to the number of orders that use it, after finding out which process or person changed it.",
	count: "SELECT count(*)::integer AS rows FROM voucher_limits",
	breaches: `SELECT 'voucher ' || coalesce('of promotion ' || l.promotion, (SELECT min(code) FROM vouchers v WHERE v.limits_id = l.id), l.id::text),
			'has ' || l.used || ' uses, but ' || count(o.id) || ' orders use it'
		FROM voucher_limits l
		LEFT JOIN orders o ON o.voucher_limits_id = l.id AND o.status <> ALL ($1)
		GROUP BY l.id HAVING l.used <> count(o.id)
		UNION ALL
		SELECT 'order ' || o.number, 'uses voucher ' || coalesce(o.voucher_code, 'without a code') || ', which does not exist'
		FROM orders o
		WHERE (o.voucher_limits_id IS NOT NULL OR o.voucher_code IS NOT NULL) AND NOT EXISTS (
			SELECT FROM vouchers v WHERE v.code = o.voucher_code AND v.limits_id = o.voucher_limits_id
		)`,
	values: [VOUCHER_GIVEN_BACK],
};

/** Checks of the vouchers of orders. */
export const priceChecks: Check[] = [uses];
