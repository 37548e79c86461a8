import { z } from "zod";
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
		const message = "must be the cursor that the page before gave, with the same sort and filters";
		throw problem("VALIDATION_FAILED", { errors: [{ path: "cursor", message }] });
	}
	return read.data[1];
}

const moment = z.tuple([z.iso.datetime({ offset: true }), z.guid()]);

/** The key of a list by time and id, for cursors: to the microsecond, as PostgreSQL keeps time. */
export function momentKey({ created_at, id }: { created_at: string; id: string }): string {
	return `${created_at} ${id}`;
}

/** The moment and id that `momentKey` wrote. */
export function readMoment(list: string, cursor: string): [string, string] {
	const read = moment.safeParse(readCursor(list, cursor).split(" "));
	// Somebody has made one up.
	return read.success
		? (read.data as [string, string])
		: ["-infinity", "00000000-0000-0000-0000-000000000000"];
}
