import pg from "pg";
import { batched } from "../../load/batching.ts";
import type { Sent } from "./queue.ts";

/** Marks begin no closer together: each wakes PostgreSQL, and what is not marked goes out twice after a kill. */
const MARK_EVERY_MS = 8;
/** While the database is away, it is asked again this often … */
const AGAIN_MS = 100;
/** … and ever more seldom, up to this, where it refuses a mark. */
const REFUSED_AGAIN_MAX_MS = 3000;

/** The parts of the process that marking uses. */
export interface Dependencies {
	/** Marks messages as sent, all of them or none. */
	write(sent: readonly Sent[]): Promise<void>;
	wait(pause_ms: number): Promise<unknown>;
	/** Tells the operator, in one line. */
	warn(line: string): void;
}

/** So many marks are kept to be written again; more than leave in the half second that a server may forget. */
const KEPT = 2000;

/** A message that has left. */
export type Left = Omit<Sent, "age_ms">;

/** Marks messages as sent. */
export interface Marking {
	/**
	 * Marks a message that has left, and resolves once it is marked, however long that takes: a message that was given up
	 * would be sent again. Those that leave while a mark is being written, or right after another, share the next one.
	 */
	mark(left: Left): Promise<void>;
	/**
	 * Writes the last marks again: they do not wait for the disk, so a server that crashed may have forgotten them. A message
	 * that is marked stays as it is.
	 */
	markAgain(): Promise<void>;
}

export function marking({ write, wait, warn }: Dependencies): Marking {
	const writeTogether = batched<Sent, void>(
		async (sent) => {
			await write(sent);
			return sent.map(() => undefined);
		},
		{ every_ms: MARK_EVERY_MS },
	);
	/** The reason that the operator was told last. */
	let told: string | undefined;
	const marked: (() => Sent)[] = [];

	const mark = async (left: Left) => {
		const left_at = performance.now();
		const sent = () => ({ ...left, age_ms: performance.now() - left_at });
		for (let refusals = 0; ; ) {
			try {
				// One that can't be marked must not keep others from it.
				await (refusals > 0 ? write([sent()]) : writeTogether(sent()));
				told = undefined;
				marked.push(sent);
				if (marked.length > 2 * KEPT) {
					marked.splice(0, KEPT);
				}
				return;
			} catch (error) {
				const { message } = error as Error;
				refusals += isRefusal(error) ? 1 : 0;
				if (isRefusal(error) && told !== message) {
					told = message;
					warn(`Messages have left and are not marked as sent yet: ${message}`);
				}
				await wait(Math.min(AGAIN_MS * 2 ** Math.max(refusals - 1, 0), REFUSED_AGAIN_MAX_MS));
			}
		}
	};

	return {
		mark,
		async markAgain() {
			const last = marked.slice(-KEPT);
			if (last.length > 0) {
				await write(last.map((sent) => sent()));
			}
		},
	};
}

/** Whether the database has answered, and it was not about the connection (08) or the server going down or up (57P). */
function isRefusal(error: unknown): boolean {
	return error instanceof pg.DatabaseError && !/^(08|57P)/.test(error.code ?? "");
}
