import { z } from "zod";
import { comparable, trimmed } from "./text.ts";

/**
 * Characters that do something instead of being seen, other than tab and line breaks: PostgreSQL refuses NUL,
 * terminals and mail headers obey control characters, and U+202A to U+202E and U+2066 to U+2069 turn text around.
 */
const CONTROL = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
const VISIBLE = /[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Text of `min` to `max` characters once trimmed, composed (NFC), storable in any database and safe to print. */
export function text(min: number, max: number) {
	return bounded(z.string().overwrite(trimmed), min, max);
}

/** One line of text: as `text`, without line breaks. */
export function line(min: number, max: number) {
	return single(text(min, max));
}

/** One line that is compared or unique, such as a sku: as `line`, in the form in which what looks equal is equal. */
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

/** Whether no character of the text was lost when it was decoded. */
export function isUndamaged(value: string): boolean {
	return !value.includes("\ufffd");
}

/** What is wrong with text that is not undamaged. */
export const DAMAGED =
	"must not hold U+FFFD (\ufffd), which stands for a character that was lost: send the original text as UTF-8";

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
	return z.int().min(min).max(max);
}

/** A moment, ISO 8601 in UTC. */
export const moment = z.iso.datetime();

/** Number of rows to leave out of a list. */
export const skip = whole(0, 1_000_000).default(0);

/** Number of rows in a list, 1 to 100. */
export function limit(rows: number) {
	return whole(1, 100).default(rows);
}

/** A row number of PostgreSQL's `integer`. */
export const integerId = whole(1, 2_147_483_647);

/** An id as callers give it. Any short visible text is taken, so that one of the wrong shape is simply not found. */
export const opaqueId = z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be an id as the API gave it");

/** Where the page before ended, as its `Link` to the next one has it: at the longest, a name of 200 characters. */
export const cursor = z.string().regex(/^[\w-]{1,3000}$/, "must be the cursor that the page before gave");
