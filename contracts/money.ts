import { z } from "zod";
import { settings } from "../config/settings.ts";
import { whole } from "./fields.ts";

/** The shop's currency (ISO 4217), `CURRENCY`. */
export const CURRENCY = settings.currency;

/** Digits after the point that the currency has, `CURRENCY_DECIMALS`: 0 for rupiah, 2 for dollars. */
export const CURRENCY_DECIMALS = settings.currencyDecimals;

/** The largest price, in the currency's smallest unit. */
export const PRICE_MAX_MINOR = 1_000_000_000_000;

const FACTOR = 10 ** CURRENCY_DECIMALS;

/** A price on the wire: a JSON number in the shop's currency, never with more decimals than the currency has. */
export const price = upTo(PRICE_MAX_MINOR);

/** A sum on the wire: as `price`, as large as an order's total can be. */
export const amount = upTo(Number.MAX_SAFE_INTEGER);

/** A whole number of the smallest unit, as prices are kept and summed. */
export const minorUnits = whole(0, Number.MAX_SAFE_INTEGER);

/** From the wire's number to the integer that is kept. */
export function toMinor(value: number): number {
	return Math.round(value * FACTOR);
}

/** From the kept integer to the wire's number. */
export function fromMinor(minor: number): number {
	return CURRENCY_DECIMALS === 0 ? minor : Number((minor / FACTOR).toFixed(CURRENCY_DECIMALS));
}

function upTo(max_minor: number) {
	return z
		.number()
		.min(0)
		.max(max_minor / FACTOR)
		.refine(
			(value) => fromMinor(Math.round(value * FACTOR)) === value,
			CURRENCY_DECIMALS === 0
				? `must be a whole number: ${CURRENCY} has no decimals`
				: `must have at most ${CURRENCY_DECIMALS} decimals`,
		);
}
