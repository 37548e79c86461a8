import { setTimeout as wait } from "node:timers/promises";
import type { Collection, Db } from "mongodb";
import { type Move, readMove, replaceMove } from "./store-move.ts";

// Records of the processes that may change the documents on a server. A move of the documents closes the store before
// it looks for records, and a process makes its record before it looks whether the store is closed: at least one of them
// sees the other. Whether a process runs is seen by its beats and not by a time, since clocks differ.

/** Interval between two beats. */
export const BEAT_MS = 2000;
/** Time without a beat after which a process counts as dead. */
const DEAD_MS = 20_000;
const POLL_MS = 200;
/** Time to wait for the removal of the own record. */
const STOP_MS = 1000;
/** Age after which records of processes that were killed are deleted. */
const RECORD_MAX_MS = 24 * 60 * 60_000;

interface ProcessRecord {
	_id: string;
	/** Number that grows while the process runs. */
	beats: number;
	/** Time of the last beat (ISO 8601). */
	at: string;
}

/** Registration of a process with a store. */
export interface Registration {
	stop(): Promise<void>;
}

const processes = (db: Db): Collection<ProcessRecord> => db.collection("processes");

/**
 * Registers a process with the store that it is about to use.
 *
 * @param id Id of the process, such as that of its node.
 * @param refusal Returns the message for a closed store.
 * @param onClosed Called if others took the process for dead, as after a freeze, and have closed the store.
 * @throws Error of one line if the store is closed.
 */
export async function registerProcess(
	db: Db,
	id: string,
	refusal: (move: Move) => string,
	onClosed: (line: string) => void,
): Promise<Registration> {
	const remove = () => processes(db).deleteOne({ _id: id });
	/** Returns true if this made the record. */
	const sendHeartbeat = async () => {
		const update = { $inc: { beats: 1 }, $set: { at: new Date().toISOString() } };
		return (await processes(db).updateOne({ _id: id }, update, { upsert: true })).upsertedCount > 0;
	};
	const refusalNow = async () => {
		const move = await openMove(db);
		if (!move) {
			return undefined;
		}
		await remove();
		return refusal(move);
	};

	await processes(db).deleteMany({ at: { $lt: new Date(Date.now() - RECORD_MAX_MS).toISOString() } });
	await sendHeartbeat();
	const line = await refusalNow();
	if (line) {
		throw new Error(line);
	}
	let running: Promise<void> | undefined;
	/** True from the moment that the record was found missing until the store was found open. */
	let isDoubtful = false;
	const beatAndCheck = async () => {
		isDoubtful = (await sendHeartbeat()) || isDoubtful;
		const closed = isDoubtful ? await refusalNow() : undefined;
		isDoubtful = false;
		if (closed) {
			clearInterval(timer);
			onClosed(closed);
		}
	};
	const timer = setInterval(() => {
		running ??= beatAndCheck()
			// The next beat tries again.
			.catch(() => undefined)
			.finally(() => {
				running = undefined;
			});
	}, BEAT_MS);
	return {
		async stop() {
			clearInterval(timer);
			const removed = Promise.resolve(running)
				.then(remove)
				.catch(() => undefined);
			// Over a lost connection, waiting would take longer than a shutdown may.
			await Promise.race([removed, wait(STOP_MS, undefined, { ref: false })]);
		},
	};
}

/** Returns the note of a store; removes that of a move from this server whose process has died. */
async function openMove(db: Db): Promise<Move | undefined> {
	for (;;) {
		const move = await readMove(db);
		if (move?.state !== "outgoing" || (await isMoving(db, move))) {
			return move;
		}
		await replaceMove(db, move, undefined);
	}
}

/** Tells whether the process of a move from this server is running. May take 20 s. */
export function isMoving(db: Db, { token, beats }: Move & { state: "outgoing" }): Promise<boolean> {
	return isBeating(beats, async () => {
		const later = await readMove(db);
		return later?.state === "outgoing" && later.token === token ? later.beats : undefined;
	});
}

/** Returns the processes that use the store, and removes the records of dead ones. May take 20 s. */
export async function runningProcesses(db: Db): Promise<string[]> {
	const found = await processes(db).find({}).toArray();
	const running = await Promise.all(
		found.map(async ({ _id, beats }) => {
			const now = async () => (await processes(db).findOne({ _id }))?.beats;
			if (await isBeating(beats, now)) {
				return [_id];
			}
			await processes(db).deleteOne({ _id, beats });
			return [];
		}),
	);
	// A process may have made its record again meanwhile.
	return found.length > 0 && running.flat().length === 0 ? runningProcesses(db) : running.flat();
}

/**
 * Tells whether a process still counts its beats.
 *
 * @param read Returns undefined if the process has removed its record.
 */
async function isBeating(beats: number, read: () => Promise<number | undefined>): Promise<boolean> {
	for (const until = performance.now() + DEAD_MS; performance.now() < until; await wait(POLL_MS)) {
		const now = await read();
		if (now !== beats) {
			return now !== undefined;
		}
	}
	return false;
}
