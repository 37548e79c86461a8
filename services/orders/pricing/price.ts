import { isTooLarge, minus, natural, plus, TOO_LARGE, total } from "./arithmetic.ts";
import { feeOf, type Shipping, type ShippingReason, shippedWeight } from "./shipping.ts";
import { type Tax, taxesOn } from "./tax.ts";
import { discountOnFee, discountsOn, reasonAgainst, type Voucher, type VoucherReason } from "./vouchers.ts";

/** A line to price: the price of one unit in minor units, and what decides its discount and its shipping. */
export interface Line {
	price_minor: number;
	quantity: number;
	/** Weight of one unit in grams; 0 by default. */
	weight_g?: number;
	/** True by default. */
	requires_shipping?: boolean;
	category?: string | null;
}

/** Input of the price function. It includes all that changes with time, so that the same input has the same price. */
export interface PriceInput {
	lines: readonly Line[];
	voucher?: Voucher | null;
	/** Not needed if no line is shipped. */
	shipping?: Shipping | null;
	tax: Tax;
	/** The moment at which the voucher has to apply. */
	at: Date;
}

/** The price of a line: `paid_minor` is its subtotal less the discount, with the tax where prices exclude it. */
export interface LinePrice {
	subtotal_minor: number;
	discount_minor: number;
	tax_minor: number;
	paid_minor: number;
}

/** The price of an order, in minor units. */
export interface Price {
	/** In the order of the given lines. */
	lines: LinePrice[];
	/** That of shipping: `subtotal_minor` is the fee. */
	shipping: LinePrice;
	/** Sum of the lines before the discount. */
	subtotal_minor: number;
	/** Discount on the lines and on shipping. */
	discount_minor: number;
	/** Fee of shipping before its discount. */
	shipping_minor: number;
	/** Tax on lines and shipping: within the total where prices include it, else added to it. */
	tax_minor: number;
	/** Subtotal - discount + shipping, and the tax where prices exclude it (R5); the sum of all `paid_minor`. */
	total_minor: number;
	/** Weight of the lines that are shipped. */
	weight_g: number;
	/** Why the voucher or shipping does not apply: an order with a reason costs this much without them, and is not placed. */
	reasons: Reason[];
}

export type Reason = ({ about: "voucher" } & VoucherReason) | ({ about: "shipping" } & ShippingReason);

/**
 * Returns what an order costs; a refusal if a sum of it exceeds 2^53 - 1. Quote, cart, order, refund and audit share it.
 *
 * The voucher's discount on goods comes first, so that free shipping depends on the goods after discount; then the fee with
 * its discount; then the tax, once, on all of it. Discount and tax are each spread over the lines by largest remainder,
 * where shipping counts as the last line.
 *
 * @throws RangeError if a price, quantity, weight or term is negative or has decimals.
 */
export function price({ lines, voucher, shipping, tax, at }: PriceInput): Price | typeof TOO_LARGE {
	const goods = lines.map(({ price_minor, quantity, category }) => ({
		subtotal: natural(price_minor) * natural(quantity),
		category,
	}));
	const subtotals = goods.map(({ subtotal }) => subtotal);
	const refusal = voucher && reasonAgainst(voucher, goods, at);
	const applied = voucher && !refusal ? voucher : undefined;
	const goods_discounts = discountsOn(goods, applied);

	const weight = shippedWeight(lines);
	const discounted = total(subtotals) - total(goods_discounts);
	const fee = weight === undefined ? 0n : feeOf(shipping, weight, discounted);
	const charged = typeof fee === "bigint" ? fee : 0n;
	const discounts = [...goods_discounts, discountOnFee(charged, applied)];

	const full = [...subtotals, charged];
	const net = minus(full, discounts);
	const taxes = taxesOn(net, tax);
	const paid = tax.is_included ? net : plus(net, taxes);

	// Every other amount is at most one of these.
	if (isTooLarge(total(subtotals), charged, total(paid), weight ?? 0n)) {
		return TOO_LARGE;
	}
	const reasons: Reason[] = [];
	if (refusal) {
		reasons.push({ about: "voucher", ...refusal });
	}
	if (applied && total(discounts) === 0n) {
		reasons.push({ about: "voucher", reason: "nothing_to_discount" });
	}
	if (typeof fee !== "bigint") {
		reasons.push({ about: "shipping", ...fee });
	}
	const prices = full.map((_, index) => ({
		subtotal_minor: Number(full[index]),
		discount_minor: Number(discounts[index]),
		tax_minor: Number(taxes[index]),
		paid_minor: Number(paid[index]),
	}));
	return {
		lines: prices.slice(0, -1),
		shipping: prices.at(-1) as LinePrice,
		subtotal_minor: Number(total(subtotals)),
		discount_minor: Number(total(discounts)),
		shipping_minor: Number(charged),
		tax_minor: Number(total(taxes)),
		total_minor: Number(total(paid)),
		weight_g: Number(weight ?? 0n),
		reasons,
	};
}
