import { type ChildProcess, fork } from "node:child_process";
import { settings } from "../../config/settings.ts";
import { type ChannelName, type Message, Refused } from "./channel.ts";
import {
	type DeliveryOrder,
	DRAIN_MS,
	type Outcome,
	PING,
	PING_EVERY_MS,
	type WorkerMessage,
} from "./delivery-protocol.ts";

const ENDED = "the process that sends messages has ended";
const AGAIN_AFTER_MS = 500;
/** So many questions in a row without an answer make the service unavailable … */
const SILENT_PINGS = 4;
/** … and so many end the process: it is frozen. Counted and not timed, since this process may have been frozen itself. */
const DEAD_PINGS = 10;
/** One that has not ended so long after it was told to do so is frozen. */
const LAST_WORDS_MAX_MS = DRAIN_MS + 1000;
/** Until it has loaded its program, it does not answer. */
const STARTING_PINGS = 60;

/**
 * Sends messages by a process of its own, which outlives this one for as long as it takes to finish: see `delivery-worker.ts`. When
 * that process ends or freezes, another one takes its place; what it had in hand fails, and is sent again.
 */
export class DeliveryProcess {
	/** Undefined where none could be started. */
	#process: ChildProcess | undefined;
	#turn = 0;
	#waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
	#isClosing = false;
	#isStarted = false;
	/** From when it is lost until the next one is heard of. */
	#isLost = false;
	/** How often it was asked since it was last heard of. */
	#unanswered = 0;
	/** Why the last one could not be started, as the operator was told. */
	#failedStart: string | undefined;
	#pinging: NodeJS.Timeout;
	#warn: (line: string) => void;
	#lease: number | undefined;
	/** Called when there is a lease, or another one. */
	onReady: () => void = () => undefined;

	/** @param warn Tells the operator, in one line. */
	constructor(warn: (line: string) => void = () => undefined) {
		this.#warn = warn;
		this.#start();
		this.#pinging = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
	}

	/** The process that sends at the moment. */
	get pid(): number | undefined {
		return this.#process?.pid;
	}

	/** The lease under which it takes messages; undefined until the process has one. */
	get lease(): number | undefined {
		return this.#lease;
	}

	/** Whether messages can be sent: not while the process does not answer. The first one counts from the start. */
	get isAnswering(): boolean {
		return !this.#isLost && (this.#unanswered < SILENT_PINGS || !this.#isStarted);
	}

	/**
	 * Hands a message over and marks it as sent.
	 *
	 * @param lease Under which it was taken from the queue.
	 * @throws Refused where trying again is in vain; anything else may pass.
	 */
	send(lease: number, channel: ChannelName, message: Message): Promise<void> {
		return new Promise((resolve, reject) => {
			const order: DeliveryOrder = { turn: ++this.#turn, lease, channel, message };
			this.#waiting.set(order.turn, { resolve, reject });
			const fail = () => this.#settle({ turn: order.turn, is: "failed", reason: ENDED });
			if (this.#process?.connected) {
				this.#process.send(order, (error) => error && fail());
			} else {
				fail();
			}
		});
	}

	/** Lets it finish what it is sending, for some seconds. */
	async close(): Promise<void> {
		const { isAnswering } = this;
		const child = this.#process;
		this.#isClosing = true;
		clearInterval(this.#pinging);
		if (!isAnswering) {
			child?.kill("SIGKILL");
		} else if (child?.connected && isRunning(child)) {
			const ended = new Promise((resolve) => child.once("exit", resolve));
			child.disconnect();
			const ending = setTimeout(() => child.kill("SIGKILL"), LAST_WORDS_MAX_MS);
			await ended;
			clearTimeout(ending);
		}
	}

	#start(): void {
		this.#process = undefined;
		try {
			this.#process = this.#fork();
		} catch (error) {
			this.#onFailedStart(error as Error);
		}
	}

	#fork(): ChildProcess {
		const child = fork(new URL("./delivery-worker.ts", import.meta.url), [], {
			// Whoever ends a whole group of processes, such as a terminal, lets it finish too.
			detached: true,
			env: { ...process.env },
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		child.on("message", (told: WorkerMessage) => {
			this.#isStarted = true;
			this.#failedStart = undefined;
			this.#isLost = false;
			this.#unanswered = 0;
			if (told === PING) {
				return;
			}
			if ("lease" in told) {
				this.#lease = told.lease;
				this.onReady();
			} else if ("trouble" in told) {
				this.#warn(told.trouble);
			} else {
				this.#settle(told);
			}
		});
		child.on("error", (error) => {
			// Where the system lets it start no process, there is no exit.
			if (child.pid === undefined) {
				this.#onFailedStart(error);
			}
		});
		child.once("exit", () => this.#onEnd());
		return child;
	}

	#onFailedStart({ message }: Error): void {
		// It is tried again and again.
		if (this.#failedStart !== message) {
			this.#failedStart = message;
			this.#warn(`The process that sends messages can't be started: ${message}`);
		}
		this.#process = undefined;
		this.#onEnd();
	}

	#onEnd(): void {
		this.#isStarted = false;
		this.#isLost = true;
		this.#unanswered = 0;
		this.#lease = undefined;
		for (const turn of this.#waiting.keys()) {
			this.#settle({ turn, is: "failed", reason: ENDED });
		}
		setTimeout(() => {
			if (!this.#isClosing) {
				this.#start();
			}
		}, AGAIN_AFTER_MS).unref();
	}

	#ping(): void {
		const child = this.#process;
		if (!child) {
			return;
		}
		if (this.#unanswered >= (this.#isStarted ? DEAD_PINGS : STARTING_PINGS)) {
			this.#unanswered = 0;
			this.#isLost = true;
			this.#warn(
				`The process that sends messages (${child.pid}) does not answer: another one takes its place`,
			);
			// Nothing less ends a process that is stopped.
			child.kill("SIGKILL");
		} else if (isRunning(child)) {
			this.#unanswered++;
			if (child.connected) {
				child.send(PING, () => undefined);
			}
		}
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

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
	return pid !== undefined && exitCode === null && signalCode === null;
}

/** Whether there is a way to reach people by this channel. */
export function hasChannel(channel: ChannelName): boolean {
	const { isProduction, smtpUrl, smsUrl } = settings;
	return !isProduction || Boolean(channel === "email" ? smtpUrl : smsUrl);
}
