import { fromMinor } from "../../contracts/money.ts";
import type { ProblemCode } from "../../contracts/problem-codes.ts";
import type { ProblemData } from "../../contracts/problems.ts";
import type { Reason } from "./pricing/price.ts";

/** A refusal of an order, as its problem. */
export interface Refusal {
	code: ProblemCode;
	data: ProblemData & { reason?: string };
}

/** Refusals of an order by the shop, which are stored under its key. Then no units are held. */
export const REFUSALS: readonly string[] = [
	"OUT_OF_STOCK",
	"PRODUCT_NOT_FOUND",
	"TOTAL_TOO_LARGE",
	"ADDRESS_NOT_FOUND",
	"SHIPPING_NOT_AVAILABLE",
	"VOUCHER_NOT_APPLICABLE",
	"VOUCHER_USED_UP",
	"PRICE_CHANGED",
	"CART_ORDERED",
	"CART_MERGED",
	"CART_CHANGED",
	"CART_EMPTY",
] satisfies ProblemCode[];

/** Returns the refusal of an order whose method of shipping, or whose voucher, does not apply. */
export function refusalFor(given: Reason): Refusal {
	const { reason } = given;
	if (given.about === "shipping") {
		return { code: "SHIPPING_NOT_AVAILABLE", data: { reason } };
	}
	return {
		code: "VOUCHER_NOT_APPLICABLE",
		data: {
			reason,
			...(given.reason === "below_minimum" ? { missing: fromMinor(given.missing_minor) } : {}),
			...(given.reason === "not_started" ? { starts_at: given.starts_at.toISOString() } : {}),
			...(given.reason === "ended" ? { ends_at: given.ends_at.toISOString() } : {}),
		},
	};
}

/** Returns the refusal of an order whose total is not the one that its buyer expects. */
export function priceChanged(total_minor: number): Refusal {
	return { code: "PRICE_CHANGED", data: { total: fromMinor(total_minor) } };
}
