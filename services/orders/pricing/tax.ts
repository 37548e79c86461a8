import { divideHalfUp, natural, spread, total, WHOLE_BP } from "./arithmetic.ts";

/** The tax on goods and shipping: its rate in hundredths of a percent, and whether prices and fees include it. */
export interface Tax {
	basis_points: number;
	is_included: boolean;
}

export const NO_TAX: Tax = { basis_points: 0, is_included: true };

/**
 * Returns the taxes on the discounted lines of an order, of which shipping is the last (R3): computed once on their sum, and
 * then spread. They are within the amounts where prices include the tax, else in addition to them.
 */
export function taxesOn(amounts: readonly bigint[], { basis_points, is_included }: Tax): bigint[] {
	const rate = natural(basis_points);
	const sum = divideHalfUp(total(amounts) * rate, is_included ? WHOLE_BP + rate : WHOLE_BP);
	return spread(sum, amounts);
}
