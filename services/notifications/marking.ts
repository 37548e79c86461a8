import { isRejection } from "../../errors/kinds.ts";
import { repeatedFailure } from "../../errors/repeated-failure.ts";
import { batched } from "../../load/batching.ts";
import type { Sent } from "./queue.ts";

/** Minimum interval between writes: each wakes PostgreSQL, but messages not yet marked are sent twice after a kill. */
const MARK_EVERY_MS = 8;
/** Interval between retries while the database is unavailable. */
const RETRY_MS = 100;
/** Maximum backoff if the database rejects a mark. */
const REJECTED_BACKOFF_MAX_MS = 3000;

/** Dependencies of marking. */
interface Dependencies {
	/** Marks messages as sent, all of them or none. */
	write(sent: readonly Sent[]): Promise<void>;
	wait(pause_ms: number): Promise<unknown>;
	/** Logs one line for the operator. */
	warn(line: string): void;
}

/** Number of marks remembered for rewriting: more than are written in the half second that a crash may lose. */
const REMEMBERED = 2000;

/** A message that was sent. */
export type SentMessage = Omit<Sent, "age_ms">;

/** Marks messages as sent. */
export interface Marking {
	/**
	 * Marks a sent message, and resolves once it is marked, however long that takes, because otherwise it would be sent
	 * again. Messages that are sent while a mark is being written, or right after another, share the next one.
	 */
	mark(message: SentMessage): Promise<void>;
	/** Writes the last marks again: they do not wait for the disk, so a crashed server may have lost them. Idempotent. */
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
	const failure = repeatedFailure((message) => {
		warn(`Messages were sent, but could not be marked as sent yet: ${message}`);
	});
	const marked: (() => Sent)[] = [];

	const mark = async (message: SentMessage) => {
		const sent_at = performance.now();
		const sent = () => ({ ...message, age_ms: performance.now() - sent_at });
		for (let rejections = 0; ; ) {
			try {
				// A mark that is rejected must not affect others.
				await (rejections > 0 ? write([sent()]) : writeTogether(sent()));
				failure.succeeded();
				marked.push(sent);
				if (marked.length > 2 * REMEMBERED) {
					marked.splice(0, REMEMBERED);
				}
				return;
			} catch (error) {
				if (isRejection(error)) {
					rejections += 1;
					failure.failed(error);
				}
				await wait(Math.min(RETRY_MS * 2 ** Math.max(rejections - 1, 0), REJECTED_BACKOFF_MAX_MS));
			}
		}
	};

	return {
		mark,
		async markAgain() {
			const last = marked.slice(-REMEMBERED);
			if (last.length > 0) {
				await write(last.map((sent) => sent()));
			}
		},
	};
}
