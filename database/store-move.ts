import type { Collection, Db } from "mongodb";

/** Name of the note that closes a store to the processes of its service. */
export const MOVE = "MOVE";

/**
 * Note of a store whose documents are being moved, or were moved.
 *
 * - `outgoing`: documents are being copied from this server. The note counts `beats` while the moving process runs.
 * - `incoming`: the store has an incomplete copy. `isBegun` is false until the store was seen to be empty.
 * - `moved`: the documents are in another store now.
 *
 * `id` is that of the store whose documents are moved; its copy takes it over. `token` names one attempt.
 */
export type Move =
	| { state: "outgoing"; to: string; token: string; beats: number }
	| { state: "incoming"; from: string; id: string; token: string; isBegun: boolean }
	| { state: "moved"; to: string; isOnServer: boolean; id: string };

/** Returns the message that refuses to start a service on a closed store. */
export function closedStore(name: string, where: string, move: Move): string {
	const command = `npm run ${name} -- move`;
	switch (move.state) {
		case "moved": {
			const cure = move.isOnServer
				? `set MONGO_URL to that server, or move them back by \`${command} --from MONGO_URL\``
				: `unset MONGO_URL, or move them back by \`${command} --to MONGO_URL\``;
			return `${name} were moved from ${where} to ${move.to}: ${cure}`;
		}
		case "incoming":
			return `${where} has an incomplete copy of ${move.from}: run \`${command}\` again until it has ended, or start with the store that it copies`;
		case "outgoing":
			return `${name} are being moved from ${where} to ${move.to}: wait until \`${command}\` has ended`;
	}
}

interface MoveNote {
	_id: string;
	value: Move;
}

const notes = (db: Db): Collection<MoveNote> => db.collection("settings");

/** Returns the note of a store on a server; undefined if the store is open. */
export async function readMove(db: Db): Promise<Move | undefined> {
	return (await notes(db).findOne({ _id: MOVE }))?.value;
}

/** Stores a note on a server unless there is one. Returns true if it was stored. */
export async function addMove(db: Db, move: Move): Promise<boolean> {
	const update = { $setOnInsert: { value: move } };
	return (await notes(db).updateOne({ _id: MOVE }, update, { upsert: true })).upsertedCount > 0;
}

/**
 * Replaces the note on a server.
 *
 * @param expected Fields that the stored note must have.
 * @param move Undefined removes the note.
 * @returns True if the note was as expected.
 */
export async function replaceMove(db: Db, expected: Partial<Move>, move: Move | undefined): Promise<boolean> {
	const query = {
		_id: MOVE,
		...Object.fromEntries(Object.entries(expected).map(([field, value]) => [`value.${field}`, value])),
	};
	return move
		? (await notes(db).updateOne(query, { $set: { value: move } })).matchedCount > 0
		: (await notes(db).deleteOne(query)).deletedCount > 0;
}
