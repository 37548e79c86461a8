import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { contracts } from "../../contracts/services.ts";
import { choosePort } from "../../infra/ports.ts";
import { eachLine, startProgram } from "../../processes/child.ts";
import { type Exit, Supervised } from "../../processes/supervised.ts";
import { killAll, ownEnvironment, until } from "../shop-process.ts";

/** The cause of an exit may need a moment to recover. */
const BACKOFF = { first_ms: 300, longest_ms: 300, settled_ms: 0 };
/** Time limit for readiness: on two cores, ten processes that start at once need time. */
const READY_MS = 180_000;

/** Store of the products: a server shared by several processes, or a file owned by one process. */
export type Store = "mongo" | "nedb";

/** A process of the cluster that is restarted whenever it exits. */
interface ClusterProcess {
	name: string;
	args: string[];
	environment: Record<string, string>;
	process: Supervised;
	/** From its line `ready <address>`. */
	address?: string | undefined;
}

/** A shop of real processes, two of each service, with its servers, in its own folder. */
export class Cluster {
	folder: string;
	store: Store;
	/** Addresses of both gateways. */
	addresses: string[] = [];
	/**
	 * Number of processes that exited without being killed, for instance because their database was unavailable at
	 * startup.
	 */
	own_exits = 0;
	#environment: Record<string, string>;
	#processes: ClusterProcess[] = [];
	#isStopped = false;

	constructor(folder: string, store: Store, environment: Record<string, string>) {
		this.folder = folder;
		this.store = store;
		this.#environment = {
			TOKO_DIR: folder,
			RATE_LIMIT: "0",
			TRUST_PROXY: "loopback",
			LOG_LEVEL: "warn",
			PAYMENT_WEBHOOK_SECRET: randomBytes(32).toString("base64url"),
			...environment,
		};
	}

	/** Environment of a process that joins the cluster. */
	get environment(): Record<string, string> {
		return this.#environment;
	}

	/** Starts all processes and waits until the shop is ready. */
	async start(): Promise<void> {
		const ports = [await choosePort(), await choosePort()];
		this.addresses = ports.map((port) => `http://127.0.0.1:${port}`);
		const twice = contracts
			.map(({ name }) => name)
			.filter((name) => name !== "products" || this.store === "mongo");
		const clusterProcess = this.#clusterProcess.bind(this);
		this.#processes = [
			...(this.store === "mongo" ? [clusterProcess("mongo", ["mongo"])] : []),
			clusterProcess("servers and api-1", ["start"], { SERVICES: "api", PORT: String(ports[0]) }),
			clusterProcess("api-2", ["node", "api"], { PORT: String(ports[1]) }),
			...twice.flatMap((name) => [1, 2].map((number) => clusterProcess(`${name}-${number}`, ["node", name]))),
			...(this.store === "nedb" ? [clusterProcess("products", ["node", "products"])] : []),
		];
		await this.#startAll();
	}

	/** Waits until every process runs and both gateways report readiness. */
	async ready(): Promise<void> {
		await until(
			"the shop to be ready",
			async () => {
				const responses = await Promise.all(this.addresses.map(isReady));
				return responses.every(Boolean) && this.#processes.every(({ process }) => process.child);
			},
			READY_MS,
		);
	}

	/** Names of the service processes, without the server `mongo`. */
	get services(): string[] {
		return this.#processes.map(({ name }) => name).filter((name) => name !== "mongo");
	}

	/** Kills a process with SIGKILL; it is restarted. */
	kill(name: string): void {
		this.#find(name).process.child?.kill("SIGKILL");
	}

	/** Freezes a process with SIGSTOP, and resumes it with SIGCONT. */
	async freeze(name: string, ms: number): Promise<void> {
		const { child } = this.#find(name).process;
		child?.kill("SIGSTOP");
		await wait(ms);
		child?.kill("SIGCONT");
	}

	/** Kills a server; the first process of the shop restarts it. */
	killServer(server: "NATS" | "PostgreSQL"): void {
		const { servers } = JSON.parse(readFileSync(join(this.folder, "parts.json"), "utf8"));
		try {
			process.kill(servers[server].pid, "SIGKILL");
		} catch {
			// The server is being restarted.
		}
	}

	/** Kills all processes at once, including servers, and starts them again. */
	async powerCut(): Promise<void> {
		await this.#killAll();
		await this.#startAll();
	}

	/** Kills all processes permanently. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		await Promise.all(this.#processes.map(({ process }) => process.stop(0)));
		await this.#killAll();
	}

	async #killAll(): Promise<void> {
		for (const clusterProcess of this.#processes) {
			clusterProcess.process.release();
			clusterProcess.address = undefined;
		}
		await killAll(this.folder);
	}

	async #startAll(): Promise<void> {
		if (this.#isStopped) {
			throw new Error("the cluster has been stopped");
		}
		const [first, ...others] = this.#processes as [ClusterProcess, ...ClusterProcess[]];
		first.process.start();
		if (first.name === "mongo") {
			await until("the products' server", () => Boolean(first.address), READY_MS);
			this.#environment.MONGO_URL = first.address as string;
		}
		for (const { process } of others) {
			process.start();
		}
		await this.ready();
	}

	#clusterProcess(name: string, args: string[], environment: Record<string, string> = {}): ClusterProcess {
		const onExit = ({ how }: Exit) => {
			this.own_exits += how.startsWith("exit ") ? 1 : 0;
		};
		const process = new Supervised(() => this.#spawn(clusterProcess), BACKOFF, onExit);
		const clusterProcess: ClusterProcess = { name, args, environment, process };
		return clusterProcess;
	}

	#spawn(clusterProcess: ClusterProcess): ChildProcess {
		const logs = join(this.folder, "logs");
		mkdirSync(logs, { recursive: true });
		const log = join(logs, `${clusterProcess.name.replaceAll(" ", "-")}.log`);
		const [command, ...rest] = clusterProcess.args;
		const environment = { ...this.#environment, ...clusterProcess.environment };
		const child = startProgram([`cli/${command}.ts`, ...rest], ownEnvironment(this.folder, environment));
		eachLine(child, (line) => {
			appendFileSync(log, `${line}\n`);
			clusterProcess.address ??= /^ready (\S+)/.exec(line)?.[1];
		});
		return child;
	}

	#find(name: string): ClusterProcess {
		return this.#processes.find((clusterProcess) => clusterProcess.name === name) as ClusterProcess;
	}
}

async function isReady(address: string): Promise<boolean> {
	try {
		return (await fetch(`${address}/health/ready`, { signal: AbortSignal.timeout(5000) })).status === 200;
	} catch {
		return false;
	}
}
