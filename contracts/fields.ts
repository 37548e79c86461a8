import { z } from "zod";
import { comparable, trimmed } from "./text.ts";

/**
 * Control characters except tab and line breaks: PostgreSQL rejects NUL, terminals and mail headers interpret control
 * characters, and U+202A to U+202E and U+2066 to U+2069 reverse the direction of text.
 */
const CONTROL = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
const VISIBLE = /[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Text of `min` to `max` characters after trimming, composed (NFC), valid in every database and safe to print. */
export function text(min: number, max: number) {
	return bounded(z.string().overwrite(trimmed), min, max);
}

/** Like `text`, but one line. */
export function line(min: number, max: number) {
	return single(text(min, max));
}

/**
 * Like `line`, for text that is compared or unique, such as a SKU: normalized so that text that looks equal is equal.
 */
export function comparedLine(min: number, max: number) {
	return single(bounded(z.string().overwrite(comparable), min, max));
}

function bounded(string: z.ZodString, min: number, max: number) {
	return string
		.min(min)
		.max(max)
		.refine((value) => value.isWellFormed() && !CONTROL.test(value), "must not hold control characters")
		.refine(isUndamaged, DAMAGED)
		.refine((value) => value === "" || min === 0 || VISIBLE.test(value), "must hold something to see");
}

function single(string: z.ZodString) {
	return string.refine((value) => !/[\r\n\u2028\u2029]/.test(value), "must be a single line");
}

/** Reports whether no character was lost when the text was decoded. */
export function isUndamaged(value: string): boolean {
	return !value.includes("\ufffd");
}

/** Error message for text that fails `isUndamaged`. */
export const DAMAGED =
	"must not hold U+FFFD (\ufffd), which stands for a character that was lost: send the original text as UTF-8";

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
	return z.int().min(min).max(max);
}

/** A time in UTC, ISO 8601. */
export const moment = z.iso.datetime();

/** Number of rows to skip in a list. */
export const skip = whole(0, 1_000_000).default(0);

/** Maximum number of rows to return, 1 to 100. */
export function limit(rows: number) {
	return whole(1, 100).default(rows);
}

/** Id of a row, a PostgreSQL `integer`. */
export const integerId = whole(1, 2_147_483_647);

/** An id in a request. Any short visible text is accepted, so that a malformed one is simply not found. */
export const opaqueId = z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be an id as the API gave it");

/** Cursor of a page, from the `Link` header of the page before; the longest ones hold a name of 200 characters. */
export const cursor = z.string().regex(/^[\w-]{1,3000}$/, "must be the cursor that the page before gave");
