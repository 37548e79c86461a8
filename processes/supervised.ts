import type { ChildProcess } from "node:child_process";
import { endProcess, onEnd } from "./child.ts";

/** Pauses before restarts. They double after each start that failed. */
export interface Backoff {
	first_ms: number;
	longest_ms: number;
	/** Uptime after which an exit is not considered a failed start. */
	settled_ms: number;
}

/** The exit of a process that will be restarted. */
export interface Exit {
	/** Such as `exit 1` or `SIGKILL`; the message of the error if the process could not be started. */
	how: string;
	hasStarted: boolean;
	/** Time until the restart. */
	pause_ms: number;
}

/** A child process that is restarted with exponential backoff whenever it exits. */
export class Supervised {
	#spawn: () => ChildProcess;
	#backoff: Backoff;
	#onExit: (exit: Exit) => void;
	#child: ChildProcess | undefined;
	#pause_ms: number;
	#restart: NodeJS.Timeout | undefined;
	#isStopped = false;

	/** @param spawn Starts the process; called again for each restart. */
	constructor(spawn: () => ChildProcess, backoff: Backoff, onExit: (exit: Exit) => void) {
		this.#spawn = spawn;
		this.#backoff = backoff;
		this.#pause_ms = backoff.first_ms;
		this.#onExit = onExit;
	}

	/** The current process; undefined if there is none, as after a start that failed. */
	get child(): ChildProcess | undefined {
		return this.#child;
	}

	get isStopped(): boolean {
		return this.#isStopped;
	}

	/** Starts a process, unless `stop` was called. A previous one continues; the caller must end it. */
	start(): void {
		if (this.#isStopped) {
			return;
		}
		clearTimeout(this.#restart);
		this.#child = undefined;
		const begun = Date.now();
		try {
			const child = this.#spawn();
			this.#child = child;
			child.on("error", ({ message }) => {
				// A signal or message that cannot be sent is an error event too.
				if (child.pid === undefined) {
					this.#onEnd(child, begun, message, false);
				}
			});
			onEnd(child, (how) => this.#onEnd(child, begun, how, true));
		} catch (error) {
			this.#onEnd(undefined, begun, (error as Error).message, false);
		}
	}

	/** Stops supervising the current process, and returns it. */
	release(): ChildProcess | undefined {
		clearTimeout(this.#restart);
		const child = this.#child;
		this.#child = undefined;
		return child;
	}

	/** Ends the process for good: see `endProcess`. */
	async stop(patience_ms: number, ask?: () => void): Promise<void> {
		this.#isStopped = true;
		clearTimeout(this.#restart);
		if (this.#child) {
			await endProcess(this.#child, patience_ms, ask);
		}
	}

	#onEnd(child: ChildProcess | undefined, begun: number, how: string, hasStarted: boolean): void {
		// A released or replaced process is not restarted.
		if (this.#child !== child || this.#isStopped) {
			return;
		}
		this.#child = undefined;
		const { first_ms, longest_ms, settled_ms } = this.#backoff;
		const isSettled = Date.now() - begun > settled_ms;
		this.#pause_ms = isSettled ? first_ms : Math.min(longest_ms, 2 * this.#pause_ms);
		this.#restart = setTimeout(() => this.start(), this.#pause_ms).unref();
		this.#onExit({ how, hasStarted, pause_ms: this.#pause_ms });
	}
}
