import { z } from "zod";

/**
 * Characters that do something instead of being seen, other than tab and line breaks: PostgreSQL refuses NUL,
 * terminals and mail headers obey control characters, and U+202A to U+202E and U+2066 to U+2069 turn text around.
 */
const CONTROL = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
const VISIBLE = /[^\p{C}\p{Z}]/u;

/** Text of `min` to `max` characters once trimmed, storable in any database and safe to print. */
export function text(min: number, max: number) {
	return z
		.string()
		.trim()
		.min(min, min === 1 ? "must not be empty" : `must have at least ${min} characters`)
		.max(max, `must have at most ${max} characters`)
		.refine((value) => value.isWellFormed() && !CONTROL.test(value), "must not hold control characters")
		.refine((value) => value === "" || min === 0 || VISIBLE.test(value), "must hold something to see");
}

/** One line of text: as `text`, without line breaks. */
export function line(min: number, max: number) {
	return text(min, max).refine((value) => !/[\r\n\u2028\u2029]/.test(value), "must be a single line");
}

/** A moment, ISO 8601 in UTC. */
export const moment = z.iso.datetime();

/** Number of rows to leave out of a list. */
export const skip = z.int().min(0).max(1_000_000).default(0);

/** Number of rows in a list, 1 to 100. */
export function limit(rows: number) {
	return z.int().min(1).max(100).default(rows);
}

/** A row number of PostgreSQL's `integer`. */
export const integerId = z.int().min(1).max(2_147_483_647);

/** An id as callers give it. Any short visible text is taken, so that one of the wrong shape is simply not found. */
export const opaqueId = z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be an id as the API gave it");

/** Where the page before ended, as its `Link` to the next one has it: at the longest, a name of 200 characters. */
export const cursor = z.string().regex(/^[\w-]{1,3000}$/, "must be the cursor that the page before gave");
