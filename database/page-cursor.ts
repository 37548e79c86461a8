import { z } from "zod";
import { integerId } from "../contracts/fields.ts";
import { problem } from "../contracts/problems.ts";

const shape = z.tuple([z.string(), z.string()]);

/** The cursor of the page that follows a row of a list; `list` names the list, since it means nothing in another one. */
export function cursorAt(list: string, key: string): string {
	return Buffer.from(JSON.stringify([list, key])).toString("base64url");
}

/**
 * The key of the row that a cursor stands at.
 *
 * @throws VALIDATION_FAILED where it is no cursor, or that of another list.
 */
export function readCursor(list: string, cursor: string): string {
	let read: z.ZodSafeParseResult<[string, string]> | undefined;
	try {
		read = shape.safeParse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
	} catch {
		// No JSON.
	}
	if (!read?.success || read.data[0] !== list) {
		throw noCursor();
	}
	return read.data[1];
}

/**
 * The id of the row that a cursor stands at, in a list by id.
 *
 * @throws VALIDATION_FAILED
 */
export function readId(list: string, cursor: string): number {
	const key = readCursor(list, cursor);
	const id = /^[1-9]\d*$/.test(key) ? integerId.safeParse(Number(key)) : undefined;
	if (!id?.success) {
		throw noCursor();
	}
	return id.data;
}

/** The key of a list by time and id, for cursors: to the microsecond, as PostgreSQL keeps time. */
export function momentKey({ created_at, id }: { created_at: string; id: string }): string {
	return `${created_at} ${id}`;
}

/** As PostgreSQL writes a time of our days in JSON, in whatever zone it has, and a UUID: it reads nothing else safely. */
const MOMENT_KEY = /^([12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-](?:0\d|1[0-4]):\d\d) (\S{36})$/;
const moment = z.tuple([z.iso.datetime({ offset: true }), z.guid()]);

/**
 * The moment and id that `momentKey` wrote.
 *
 * @throws VALIDATION_FAILED
 */
export function readMoment(list: string, cursor: string): [string, string] {
	const read = moment.safeParse(MOMENT_KEY.exec(readCursor(list, cursor))?.slice(1));
	if (!read.success) {
		throw noCursor();
	}
	return read.data;
}

function noCursor() {
	const message = "must be the cursor that the page before gave, with the same sort and filters";
	return problem("VALIDATION_FAILED", { errors: [{ path: "cursor", message }] });
}
