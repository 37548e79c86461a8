import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { settings } from "../../mixins/settings.ts";
import { type ChannelName, type Message, Refused } from "./channel.ts";
import type { Order, Outcome } from "./sending.ts";

/** Sends messages by a process of its own, which outlives this one for as long as it takes to finish: see `sending.ts`. */
export class Sender {
	#process: ChildProcess;
	#turn = 0;
	#waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
	#isClosing = false;

	/** The database has to be there. */
	constructor() {
		this.#process = this.#start();
	}

	/**
	 * Hands a message over and marks it as sent.
	 *
	 * @throws Refused where trying again is in vain; anything else may pass.
	 */
	send(channel: ChannelName, message: Message): Promise<void> {
		return new Promise((resolve, reject) => {
			const order: Order = { turn: ++this.#turn, channel, message };
			this.#waiting.set(order.turn, { resolve, reject });
			this.#process.send(order, (error) => {
				if (error) {
					this.#settle({ turn: order.turn, is: "failed", reason: ENDED });
				}
			});
		});
	}

	/** Lets it finish what it is sending. */
	async close(): Promise<void> {
		this.#isClosing = true;
		if (this.#process.connected) {
			const ended = once(this.#process, "exit");
			this.#process.disconnect();
			await ended;
		}
	}

	#start(): ChildProcess {
		const child = fork(new URL("./sending.ts", import.meta.url), [], {
			// Whoever ends a whole group of processes, such as a terminal, lets it finish too.
			detached: true,
			env: { ...process.env },
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		child.on("message", (outcome: Outcome) => this.#settle(outcome));
		child.on("error", () => undefined);
		child.once("exit", () => {
			for (const turn of this.#waiting.keys()) {
				this.#settle({ turn, is: "failed", reason: ENDED });
			}
			if (!this.#isClosing) {
				setTimeout(() => {
					if (!this.#isClosing) {
						this.#process = this.#start();
					}
				}, AGAIN_AFTER_MS);
			}
		});
		return child;
	}

	#settle({ turn, is, reason }: Outcome): void {
		const waiting = this.#waiting.get(turn);
		this.#waiting.delete(turn);
		if (is === "sent") {
			waiting?.resolve();
		} else {
			waiting?.reject(is === "refused" ? new Refused(reason) : new Error(reason));
		}
	}
}

const ENDED = "the process that sends messages has ended";
const AGAIN_AFTER_MS = 500;

/** Whether there is a way to reach people by this channel. */
export function hasChannel(channel: ChannelName): boolean {
	const { isProduction, smtpUrl, smsUrl } = settings;
	return !isProduction || Boolean(channel === "email" ? smtpUrl : smsUrl);
}
