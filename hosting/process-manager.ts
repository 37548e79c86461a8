import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { childEnvironment, settings } from "../config/settings.ts";
import { choosePort } from "../infra/ports.ts";

const repository = resolve(import.meta.dirname, "..");
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Uptime after which an exit is not considered a failed start. */
const SETTLED_MS = 10_000;
/** Time after `SHUTDOWN_SECONDS` at which a process that is still running gets SIGKILL. */
const KILL_AFTER_MS = 3000;

const SERVING_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** One process of a cluster. */
export interface ManagedProcess {
	/** Such as `orders-2`. */
	name: string;
	service: string;
	state: "starting" | "ready" | "stopping" | "down";
	/** Its node id in the registry. */
	nodeID: string | undefined;
	pid: number | undefined;
	restarts: number;
	/** Address of a gateway. */
	address: string | undefined;
}

interface Process extends ManagedProcess {
	environment: Record<string, string>;
	child: ChildProcess | undefined;
	pause_ms: number;
}

/** Starts and supervises processes of services. Exited processes restart with exponential backoff. */
export class ProcessManager {
	#processes: Process[] = [];
	#isStopping = false;
	#replacing: Promise<void> | undefined;
	#hear: (member: ManagedProcess, line: string) => void;

	/** @param hear Called with every line that a process prints, and with changes of its state. */
	constructor(hear: (member: ManagedProcess, line: string) => void) {
		this.#hear = hear;
	}

	get all(): readonly ManagedProcess[] {
		return this.#processes;
	}

	/** Starts the given number of processes of each service and waits until all are ready. */
	async start(counts: [service: string, count: number][]): Promise<void> {
		for (const [service, count] of counts) {
			for (let number = 1; number <= count; number++) {
				const port = service === "api" ? await gatewayPort(number) : undefined;
				this.#processes.push({
					name: `${service}-${number}`,
					service,
					environment: port === undefined ? {} : { PORT: String(port) },
					address: port === undefined ? undefined : `http://${urlHost(settings.host)}:${port}`,
					...{ state: "starting", nodeID: undefined, pid: undefined, restarts: 0, child: undefined },
					pause_ms: FIRST_PAUSE_MS,
				});
			}
		}
		await Promise.all(this.#processes.map((process) => this.#spawn(process)));
	}

	/**
	 * Replaces all processes one by one: the new process is ready before the old one stops. Where both would need the
	 * same port (a gateway) or file (products on NeDB), the old one stops first.
	 *
	 * @returns True if all were replaced; false if the cluster was stopped meanwhile.
	 */
	async replaceAll(): Promise<boolean> {
		this.#replacing = this.#replaceAll();
		await this.#replacing;
		return !this.#isStopping;
	}

	async #replaceAll(): Promise<void> {
		for (const process of [...this.#processes]) {
			if (this.#isStopping) {
				return;
			}
			const isExclusive = process.service === "api" || (process.service === "products" && !settings.mongoUrl);
			const old = process.child;
			if (isExclusive) {
				await this.#end(process, old);
				await this.#spawn(process);
			} else {
				await this.#spawn(process);
				await this.#end(process, old);
			}
			process.restarts++;
		}
	}

	/** Stops all processes. */
	async stop(): Promise<void> {
		this.#isStopping = true;
		const endAll = () => Promise.all(this.#processes.map((process) => this.#end(process, process.child)));
		await endAll();
		// The replacement in progress may just have started a process.
		await this.#replacing;
		await endAll();
	}

	/** Resolves when the process is ready; if it exits before, it is restarted. */
	#spawn(process: Process): Promise<void> {
		if (this.#isStopping) {
			return Promise.resolve();
		}
		process.state = "starting";
		const args = ["--disable-warning=DEP0174", "--disable-warning=ExperimentalWarning"];
		const child = spawn(globalThis.process.execPath, [...args, join("cli", "node.ts"), process.service], {
			cwd: repository,
			// Ctrl-C must reach only this process, which stops the others.
			detached: true,
			env: childEnvironment({ SERVICES: "", HEALTH_PORT: "0", ...process.environment }),
			// By the IPC channel, child processes notice if this process dies (cli/node.ts).
			stdio: ["ignore", "pipe", "pipe", "ipc"],
		});
		process.child = child;
		process.pid = child.pid;
		const begun = Date.now();
		return new Promise((ready) => {
			const hear = (line: string) => {
				const nodeID = /^joined .* as (\S+): /.exec(line)?.[1];
				if (nodeID && process.child === child) {
					process.nodeID = nodeID;
					void untilServing(process).then(() => {
						if (process.child === child && process.state === "starting") {
							process.state = "ready";
						}
						ready();
					});
				}
				this.#hear(process, line);
			};
			for (const stream of [child.stdout, child.stderr]) {
				if (stream) {
					createInterface({ input: stream }).on("line", hear);
				}
			}
			child.once("error", (error) => this.#hear(process, `does not start: ${error.message}`));
			child.once("close", (code, signal) => {
				if (process.child !== child || this.#isStopping || process.state === "stopping") {
					ready();
					return;
				}
				process.state = "down";
				process.restarts++;
				process.pause_ms =
					Date.now() - begun > SETTLED_MS ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, 2 * process.pause_ms);
				this.#hear(
					process,
					`ended (${signal ?? `exit ${code}`}), starts again in ${process.pause_ms / 1000} s`,
				);
				setTimeout(() => {
					if (!this.#isStopping && process.child === child) {
						void this.#spawn(process).then(ready);
					}
				}, process.pause_ms).unref();
			});
		});
	}

	async #end(process: Process, child: ChildProcess | undefined): Promise<void> {
		if (!child || child.exitCode !== null || child.signalCode !== null) {
			return;
		}
		if (process.child === child) {
			process.state = "stopping";
		}
		const ended = once(child, "close");
		child.kill("SIGTERM");
		const killer = wait(settings.shutdownSeconds * 1000 + KILL_AFTER_MS, undefined, { ref: false });
		if ((await Promise.race([ended, killer])) === undefined) {
			child.kill("SIGKILL");
			await ended;
		}
	}
}

/**
 * Waits until a gateway has discovered the other services. Returns after a time limit, in case one of them is
 * unavailable.
 */
async function untilServing({ address }: ManagedProcess): Promise<void> {
	const deadline = Date.now() + SERVING_MS;
	while (address && Date.now() < deadline) {
		const signal = AbortSignal.timeout(SERVING_MS);
		const isReady = await fetch(`${address}/health/ready`, { signal }).then(
			({ ok }) => ok,
			() => false,
		);
		if (isReady) {
			return;
		}
		await wait(LOOK_EVERY_MS);
	}
}

function urlHost(host: string): string {
	return host.includes(":") ? `[${host}]` : host;
}

/**
 * Returns the port of a gateway: `PORT` for the first, the following ports for the others. With `PORT=0`, each has a
 * free port that survives restarts.
 */
function gatewayPort(number: number): Promise<number> | number {
	return settings.port === 0 ? choosePort() : settings.port + number - 1;
}
