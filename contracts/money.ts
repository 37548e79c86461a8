import { z } from "zod";
import { settings } from "../config/settings.ts";
import { whole } from "./fields.ts";

/** Currency of the shop (ISO 4217), from `CURRENCY`. */
export const CURRENCY = settings.currency;

/** Decimals of the currency, from `CURRENCY_DECIMALS`: 0 for rupiah, 2 for dollars. */
export const CURRENCY_DECIMALS = settings.currencyDecimals;

/** Maximum price, in the currency's smallest unit. */
export const PRICE_MAX_MINOR = 1_000_000_000_000;

const FACTOR = 10 ** CURRENCY_DECIMALS;

/** A price in the API: a JSON number in the shop's currency, with no more decimals than the currency has. */
export const price = upTo(PRICE_MAX_MINOR);

/** An amount in the API: like `price`, but as large as an order's total can be. */
export const amount = upTo(Number.MAX_SAFE_INTEGER);

/** A sum of prices that a person gives, such as a limit: its maximum is one that people can read. */
export const sum = upTo(9_000_000_000_000_000);

/** An amount in whole minor units, in which prices are stored and summed. */
export const minorUnits = whole(0, Number.MAX_SAFE_INTEGER);

/** Converts an amount of the API to minor units. */
export function toMinor(value: number): number {
	return Math.round(value * FACTOR);
}

/** Converts minor units to an amount of the API. */
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
