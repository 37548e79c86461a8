import type { Db } from "mongodb";
import { addMove, closedStore, type Move, readMove, replaceMove } from "../../database/store-move.ts";
import { BEAT_MS, isMoving } from "../../database/store-processes.ts";
import { StartError } from "../../infra/start-error.ts";

/** Exclusive use of a server from which documents are copied. It ends with this process, however that exits. */
export interface Lease {
	/** Closes the store for good. Returns false if the lease was lost before, as after a freeze of this process. */
	close(move: Move): Promise<boolean>;
	/** Opens the store again, unless it was closed. */
	release(): Promise<void>;
}

/**
 * Takes the lease: from then on no process of the service starts on the store.
 *
 * @param where Location of the store.
 * @param to Location that the documents are copied to.
 * @param earlier Token of an attempt that was interrupted, and whose process is known to be dead.
 * @throws StartError if another process moves the documents, or they were moved.
 */
export async function takeLease(
	db: Db,
	where: string,
	to: string,
	token: string,
	earlier: string | undefined,
): Promise<Lease> {
	const own = { state: "outgoing", token } as const;
	let beats = 0;
	const note = (): Move => ({ ...own, to, beats });
	while (!(await addMove(db, note()))) {
		const found = await readMove(db);
		if (!found) {
			continue;
		}
		const isDead = found.state === "outgoing" && (found.token === earlier || !(await isMoving(db, found)));
		if (!isDead) {
			throw new StartError(closedStore("products", where, found));
		}
		if (await replaceMove(db, found, note())) {
			break;
		}
	}
	let beating: Promise<unknown> | undefined;
	const timer = setInterval(() => {
		beats++;
		// After an error, the next beat tries again.
		beating = replaceMove(db, own, note()).catch(() => undefined);
	}, BEAT_MS);
	const end = async (move: Move | undefined) => {
		clearInterval(timer);
		await beating;
		return replaceMove(db, own, move);
	};
	return {
		close: (move) => end(move),
		async release() {
			await end(undefined);
		},
	};
}
