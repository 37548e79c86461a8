import { z } from "zod";

// Control characters other than tab and line breaks: PostgreSQL refuses NUL, terminals and mail headers obey the rest.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Text of `min` to `max` characters once trimmed, storable in any database and safe to print. */
export function text(min: number, max: number) {
	return z
		.string()
		.trim()
		.min(min, min === 1 ? "must not be empty" : `must have at least ${min} characters`)
		.max(max, `must have at most ${max} characters`)
		.refine((value) => value.isWellFormed() && !CONTROL.test(value), "must not hold control characters");
}

/** One line of text: as `text`, without line breaks. */
export function line(min: number, max: number) {
	return text(min, max).refine((value) => !/[\r\n]/.test(value), "must be a single line");
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
