import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { settings } from "../config/settings.ts";
import { choosePort } from "../infra/ports.ts";

const repository = resolve(import.meta.dirname, "..");
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived for so long did not end because of how it starts. */
const SETTLED_MS = 10_000;
/** What does not end by itself after `SHUTDOWN_SECONDS` is killed this much later. */
const KILL_AFTER_MS = 3000;

const SERVING_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** One process of a cluster. */
export interface ManagedProcess {
	/** Such as `orders-2`. */
	name: string;
	service: string;
	state: "starting" | "ready" | "stopping" | "down";
	/** Its id in the registry. */
	nodeID: string | undefined;
	pid: number | undefined;
	restarts: number;
	/** Of a gateway. */
	address: string | undefined;
}

interface Process extends ManagedProcess {
	environment: Record<string, string>;
	child: ChildProcess | undefined;
	pause_ms: number;
}

/** Starts processes of services and keeps them running: what ends is started again, after pauses that grow. */
export class ProcessManager {
	#processes: Process[] = [];
	#isStopping = false;
	#replacing: Promise<void> | undefined;
	#hear: (member: ManagedProcess, line: string) => void;

	/** @param hear Gets every line that a member prints, and what becomes of it. */
	constructor(hear: (member: ManagedProcess, line: string) => void) {
		this.#hear = hear;
	}

	get all(): readonly ManagedProcess[] {
		return this.#processes;
	}

	/** Starts so many processes of each service and waits until all are ready. */
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
	 * Replaces every process, one after the other: the new one is there before the old one goes. Gateways have a port, and
	 * products on a NeDB file a file, that only one can have: there the old one goes first.
	 *
	 * @returns Whether all were: not where the cluster is stopped meanwhile.
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

	/** Ends all processes. */
	async stop(): Promise<void> {
		this.#isStopping = true;
		const endAll = () => Promise.all(this.#processes.map((process) => this.#end(process, process.child)));
		await endAll();
		// What was just being replaced.
		await this.#replacing;
		await endAll();
	}

	/** Resolves when the process is ready; what ends before is started again. */
	#spawn(process: Process): Promise<void> {
		if (this.#isStopping) {
			return Promise.resolve();
		}
		process.state = "starting";
		const args = ["--disable-warning=DEP0174", "--disable-warning=ExperimentalWarning"];
		const child = spawn(globalThis.process.execPath, [...args, join("cli", "node.ts"), process.service], {
			cwd: repository,
			// Ctrl-C is for this process alone: it stops the members.
			detached: true,
			env: { ...globalThis.process.env, SERVICES: "", HEALTH_PORT: "0", ...process.environment },
			// By the channel they notice when this process has died (cli/node.ts).
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

/** A gateway may have to meet the others first; it is not waited for where one of them is away. */
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

/** The first gateway has `PORT`, the others those after it; with `PORT=0` each has a free one, and keeps it. */
function gatewayPort(number: number): Promise<number> | number {
	return settings.port === 0 ? choosePort() : settings.port + number - 1;
}
