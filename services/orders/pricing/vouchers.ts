import { divideHalfUp, least, natural, spread, total, WHOLE_BP } from "./arithmetic.ts";

/**
 * The terms of a voucher that decide its discount. The value of `percent` is in hundredths of a percent, from 1 to 10,000;
 * that of the others in minor units. A `shipping` voucher without a value takes off the whole fee.
 */
export type Voucher = Conditions &
	({ kind: "percent" | "amount"; value: number } | { kind: "shipping"; value?: number | null });

interface Conditions {
	/** Upper limit of the discount, in minor units. */
	cap_minor?: number | null;
	/** Lower limit of the eligible goods before the discount, in minor units. */
	min_subtotal_minor?: number | null;
	/** Category of the eligible goods; without it all are eligible. */
	category?: string | null;
	/** First moment at which the voucher applies. */
	starts_at?: Date | null;
	/** First moment at which the voucher applies no more. */
	ends_at?: Date | null;
}

/**
 * Reason for which a voucher does not apply. `below_minimum` has the amount that the eligible goods lack;
 * `nothing_to_discount`: the discount would be 0, because it is rounded down to it, or the goods or the shipping are free.
 */
export type VoucherReason =
	| { reason: "not_started"; starts_at: Date }
	| { reason: "ended"; ends_at: Date }
	| { reason: "no_eligible_goods" }
	| { reason: "below_minimum"; missing_minor: number }
	| { reason: "nothing_to_discount" };

/** A line of goods: its subtotal before the discount. */
export interface Goods {
	subtotal: bigint;
	category?: string | null | undefined;
}

function isEligible({ category }: Voucher, goods: Goods): boolean {
	return category == null || goods.category === category;
}

/**
 * Returns why a voucher does not apply to these goods at this moment; undefined if it does. Its category restricts both
 * the goods that are discounted and those that `min_subtotal_minor` looks at: "10 % off coffee from 100.000" means coffee
 * for 100.000.
 */
export function reasonAgainst(
	voucher: Voucher,
	goods: readonly Goods[],
	at: Date,
): VoucherReason | undefined {
	const { starts_at, ends_at, min_subtotal_minor } = voucher;
	if (starts_at && at < starts_at) {
		return { reason: "not_started", starts_at };
	}
	if (ends_at && at >= ends_at) {
		return { reason: "ended", ends_at };
	}
	const eligible = goods.filter((line) => isEligible(voucher, line));
	if (eligible.length === 0) {
		return { reason: "no_eligible_goods" };
	}
	const missing = natural(min_subtotal_minor ?? 0) - total(eligible.map(({ subtotal }) => subtotal));
	return missing > 0n ? { reason: "below_minimum", missing_minor: Number(missing) } : undefined;
}

/** Returns the discount on each line of goods, which is computed once on the sum of the eligible ones and then spread. */
export function discountsOn(goods: readonly Goods[], voucher: Voucher | undefined): bigint[] {
	if (!voucher || voucher.kind === "shipping") {
		return goods.map(() => 0n);
	}
	const eligible = goods.map((line) => (isEligible(voucher, line) ? line.subtotal : 0n));
	return spread(discountOn(total(eligible), voucher), eligible);
}

/** Returns the discount on the fee of shipping. */
export function discountOnFee(fee: bigint, voucher: Voucher | undefined): bigint {
	return voucher?.kind === "shipping" ? discountOn(fee, voucher) : 0n;
}

/** Returns the discount on a sum, which never exceeds it. */
function discountOn(sum: bigint, { kind, value, cap_minor }: Voucher): bigint {
	const given = value == null ? sum : natural(value);
	const discount = kind === "percent" ? divideHalfUp(sum * given, WHOLE_BP) : given;
	return least(sum, discount, cap_minor == null ? sum : natural(cap_minor));
}
