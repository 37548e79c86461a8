import type { ChildProcess } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { childEnvironment, settings } from "../config/settings.ts";
import { choosePort } from "../infra/ports.ts";
import { eachLine, endProcess, startProgram } from "../processes/child.ts";
import { type Exit, Supervised } from "../processes/supervised.ts";

/** After 10 s, an exit is not considered a failed start. */
const BACKOFF = { first_ms: 500, longest_ms: 10_000, settled_ms: 10_000 };
/** Time after `SHUTDOWN_SECONDS` at which a process that is still running gets SIGKILL. */
const KILL_AFTER_MS = 3000;

const SERVING_MS = 10_000;
const POLL_MS = 100;

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

/** Starts and supervises processes of services. Exited processes restart with exponential backoff. */
export class ProcessManager {
	#processes: ServiceProcess[] = [];
	#isStopping = false;
	#replacing: Promise<void> | undefined;
	#onLine: (one: ManagedProcess, line: string) => void;

	/** @param onLine Called with every line that a process prints, and with changes of its state. */
	constructor(onLine: (one: ManagedProcess, line: string) => void) {
		this.#onLine = onLine;
	}

	get all(): readonly ManagedProcess[] {
		return this.#processes;
	}

	/** Starts the given number of processes of each service and waits until all are ready. */
	async start(counts: [service: string, count: number][]): Promise<void> {
		for (const [service, count] of counts) {
			for (let number = 1; number <= count; number++) {
				const port = service === "api" ? await gatewayPort(number) : undefined;
				this.#processes.push(new ServiceProcess(service, number, port, this.#onLine));
			}
		}
		await Promise.all(this.#processes.map((one) => one.start()));
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
		for (const one of [...this.#processes]) {
			if (this.#isStopping) {
				return;
			}
			await one.replace();
		}
	}

	/** Stops all processes. */
	async stop(): Promise<void> {
		this.#isStopping = true;
		await Promise.all([...this.#processes.map((one) => one.stop()), this.#replacing]);
	}
}

class ServiceProcess implements ManagedProcess {
	name: string;
	service: string;
	state: ManagedProcess["state"] = "starting";
	nodeID: string | undefined;
	pid: number | undefined;
	restarts = 0;
	address: string | undefined;
	#port: number | undefined;
	#onLine: (one: ManagedProcess, line: string) => void;
	#process = new Supervised(
		() => this.#spawn(),
		BACKOFF,
		(exit) => this.#onExit(exit),
	);
	#ready = Promise.withResolvers<void>();

	constructor(
		service: string,
		number: number,
		port: number | undefined,
		onLine: (one: ManagedProcess, line: string) => void,
	) {
		this.name = `${service}-${number}`;
		this.service = service;
		this.address = port === undefined ? undefined : `http://${urlHost(settings.host)}:${port}`;
		this.#port = port;
		this.#onLine = onLine;
	}

	/** Starts the process. Resolves when it, or one that was started after its exit, is ready, or it was stopped. */
	async start(): Promise<void> {
		if (this.#process.isStopped) {
			return;
		}
		this.#ready.resolve();
		this.#ready = Promise.withResolvers();
		this.#process.start();
		await this.#ready.promise;
	}

	async replace(): Promise<void> {
		const isExclusive = this.service === "api" || (this.service === "products" && !settings.mongoUrl);
		const old = this.#process.release();
		const endOld = async () => old && endProcess(old, patience_ms());
		if (isExclusive) {
			this.state = "stopping";
			await endOld();
			await this.start();
		} else {
			await this.start();
			await endOld();
		}
		this.restarts++;
	}

	async stop(): Promise<void> {
		this.state = "stopping";
		await this.#process.stop(patience_ms());
		this.#ready.resolve();
	}

	#spawn(): ChildProcess {
		this.state = "starting";
		const port = this.#port === undefined ? {} : { PORT: String(this.#port) };
		const child = startProgram(
			["cli/node.ts", this.service],
			// JSON is shortened where these lines are shown.
			childEnvironment({
				LOG_FORMAT: "json",
				...settings.variables,
				SERVICES: "",
				HEALTH_PORT: "0",
				...port,
			}),
		);
		this.pid = child.pid;
		eachLine(child, (line) => {
			const nodeID = /^joined .* as (\S+): /.exec(line)?.[1];
			if (nodeID && this.#process.child === child) {
				this.nodeID = nodeID;
				void this.#onJoined(child);
			}
			this.#onLine(this, line);
		});
		return child;
	}

	async #onJoined(child: ChildProcess): Promise<void> {
		await untilServing(this);
		if (this.#process.child === child && this.state === "starting") {
			this.state = "ready";
			this.#ready.resolve();
		}
	}

	#onExit({ how, hasStarted, pause_ms }: Exit): void {
		this.state = "down";
		this.restarts++;
		const what = hasStarted ? `ended (${how})` : `does not start (${how})`;
		this.#onLine(this, `${what}, starts again in ${pause_ms / 1000} s`);
	}
}

/** Returns the time within which a process ends after SIGTERM, before it gets SIGKILL. */
function patience_ms(): number {
	return settings.shutdownSeconds * 1000 + KILL_AFTER_MS;
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
		await wait(POLL_MS);
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
