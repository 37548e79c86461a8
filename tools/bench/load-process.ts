import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Commands } from "./load.ts";

type Waiting = { resolve(result: unknown): void; reject(error: Error): void };

/** Handle of the load generator, which runs in a separate process so that its own load is not measured. */
export class LoadProcess {
	#child: ChildProcess;
	#waiting = new Map<number, Waiting>();
	#sent = 0;

	constructor() {
		this.#child = fork(fileURLToPath(new URL("./load.ts", import.meta.url)), {
			execArgv: ["--disable-warning=ExperimentalWarning"],
			serialization: "advanced",
		});
		this.#child.on("message", ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (error === undefined) {
				waiting?.resolve(result);
			} else {
				waiting?.reject(new Error(error));
			}
		});
		this.#child.once("exit", (code, signal) => {
			for (const { reject } of this.#waiting.values()) {
				reject(new Error(`the load generator exited (${signal ?? code})`));
			}
			this.#waiting.clear();
		});
	}

	get pid(): number {
		return this.#child.pid as number;
	}

	/** Runs a command in the load generator. */
	do<N extends keyof Commands>(name: N, ...[argument]: Parameters<Commands[N]>): ReturnType<Commands[N]> {
		const id = this.#sent++;
		const response = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
		this.#child.send({ id, name, argument });
		return response as ReturnType<Commands[N]>;
	}

	close(): void {
		this.#child.disconnect();
	}
}
