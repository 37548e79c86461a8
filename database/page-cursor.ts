import { z } from "zod";
import { integerId } from "../contracts/fields.ts";
import { problem } from "../contracts/problems.ts";

const shape = z.tuple([z.string(), z.string()]);

/**
 * Builds the cursor of the page after a row. It contains the name of the list, since it is not valid in another one.
 */
export function cursorAt(list: string, key: string): string {
	return Buffer.from(JSON.stringify([list, key])).toString("base64url");
}

/**
 * Returns the key of the row that a cursor refers to.
 *
 * @throws VALIDATION_FAILED if the cursor is malformed or belongs to another list.
 */
export function readCursor(list: string, cursor: string): string {
	let read: z.ZodSafeParseResult<[string, string]> | undefined;
	try {
		read = shape.safeParse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
	} catch {
		// Not JSON.
	}
	if (!read?.success || read.data[0] !== list) {
		throw invalidCursor();
	}
	return read.data[1];
}

/**
 * Returns the id of the row that a cursor refers to, in a list sorted by id.
 *
 * @throws VALIDATION_FAILED
 */
export function readId(list: string, cursor: string): number {
	const key = readCursor(list, cursor);
	const id = /^[1-9]\d*$/.test(key) ? integerId.safeParse(Number(key)) : undefined;
	if (!id?.success) {
		throw invalidCursor();
	}
	return id.data;
}

/**
 * Builds the cursor key of a list sorted by time and id.
 *
 * @param row Its `created_at` is text as PostgreSQL writes it in JSON, with microseconds, or a Date, whose column must
 * then have no more than milliseconds (`timestamptz(3)`): a rounded time would skip or repeat rows.
 */
export function momentKey({ created_at, id }: { created_at: string | Date; id: string }): string {
	const moment = typeof created_at === "string" ? created_at : created_at.toISOString();
	// `toISOString` writes UTC in another form.
	return `${moment.replace(/Z$/, "+00:00")} ${id}`;
}

/**
 * A recent timestamp as PostgreSQL writes it in JSON, in any time zone, and a UUID. PostgreSQL reads no other form
 * safely.
 */
const MOMENT_KEY = /^([12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-](?:0\d|1[0-4]):\d\d) (\S{36})$/;
const moment = z.tuple([z.iso.datetime({ offset: true }), z.guid()]);

/**
 * Returns the time and id of a `momentKey`.
 *
 * @throws VALIDATION_FAILED
 */
export function readMoment(list: string, cursor: string): [string, string] {
	const read = moment.safeParse(MOMENT_KEY.exec(readCursor(list, cursor))?.slice(1));
	if (!read.success) {
		throw invalidCursor();
	}
	return read.data;
}

function invalidCursor() {
	const message = "must be the cursor that the page before gave, with the same sort and filters";
	return problem("VALIDATION_FAILED", { errors: [{ path: "cursor", message }] });
}
