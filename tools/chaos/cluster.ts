import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { contracts } from "../../contracts/services.ts";
import { choosePort } from "../../infra/ports.ts";
import { ownEnvironment, powerCut, processesOf, until } from "../shop-process.ts";

const repository = resolve(import.meta.dirname, "../..");
/** Time limit for readiness: on two cores, ten processes that start at once need time. */
const READY_MS = 180_000;

/** Store of the products: a server shared by several processes, or a file owned by one process. */
export type Store = "mongo" | "nedb";

/** A process of the cluster that is restarted whenever it exits. */
interface Member {
	name: string;
	args: string[];
	environment: Record<string, string>;
	child?: ChildProcess | undefined;
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
	#members: Member[] = [];
	#isDown = true;
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
		this.#members = [
			...(this.store === "mongo" ? [member("mongo", ["mongo"])] : []),
			member("servers and api-1", ["start"], { SERVICES: "api", PORT: String(ports[0]) }),
			member("api-2", ["node", "api"], { PORT: String(ports[1]) }),
			...twice.flatMap((name) => [1, 2].map((number) => member(`${name}-${number}`, ["node", name]))),
			...(this.store === "nedb" ? [member("products", ["node", "products"])] : []),
		];
		await this.#startAll();
	}

	/** Waits until every process runs and both gateways report readiness. */
	async ready(): Promise<void> {
		await until(
			"the shop to be ready",
			async () => {
				const answers = await Promise.all(this.addresses.map(isReady));
				return answers.every(Boolean) && this.#members.every(({ child }) => child && isAlive(child));
			},
			READY_MS,
		);
	}

	/** Names of the service processes, without the server `mongo`. */
	get services(): string[] {
		return this.#members.map(({ name }) => name).filter((name) => name !== "mongo");
	}

	/** Kills a process with SIGKILL; it is restarted. */
	kill(name: string): void {
		const found = this.#find(name);
		if (found.child && isAlive(found.child)) {
			found.child.kill("SIGKILL");
		}
	}

	/** Freezes a process with SIGSTOP, and resumes it with SIGCONT. */
	async freeze(name: string, ms: number): Promise<void> {
		const { child } = this.#find(name);
		child?.kill("SIGSTOP");
		await wait(ms);
		child?.kill("SIGCONT");
	}

	/** Kills a server; the first process of the shop restarts it. */
	killServer(part: "NATS" | "PostgreSQL"): void {
		const { servers } = JSON.parse(readFileSync(join(this.folder, "parts.json"), "utf8"));
		try {
			process.kill(servers[part].pid, "SIGKILL");
		} catch {
			// The server is being restarted.
		}
	}

	/** Kills all processes at once, including servers, and starts them again. */
	async powerCut(): Promise<void> {
		this.#isDown = true;
		await until("everything to be dead", () => {
			powerCut(this.folder);
			return processesOf(this.folder).length === 0;
		});
		await this.#startAll();
	}

	/** Kills all processes permanently. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#isDown = true;
		await until("everything to be dead", () => {
			powerCut(this.folder);
			return processesOf(this.folder).length === 0;
		});
	}

	async #startAll(): Promise<void> {
		if (this.#isStopped) {
			throw new Error("the cluster is stopped");
		}
		for (const member of this.#members) {
			member.child = undefined;
		}
		this.#isDown = false;
		const [first, ...others] = this.#members as [Member, ...Member[]];
		if (first.name === "mongo") {
			const output = this.#spawn(first);
			this.#environment.MONGO_URL = await output;
		} else {
			this.#spawn(first);
		}
		for (const other of others) {
			this.#spawn(other);
		}
		await this.ready();
	}

	/** Starts a process. Returns the address from its line `ready <address>`. */
	#spawn(member: Member): Promise<string> {
		const logs = join(this.folder, "logs");
		mkdirSync(logs, { recursive: true });
		const log = createWriteStream(join(logs, `${member.name.replaceAll(" ", "-")}.log`), { flags: "a" });
		const [command, ...rest] = member.args;
		const child = spawn(process.execPath, [...QUIET, join("cli", `${command}.ts`), ...rest], {
			cwd: repository,
			detached: true,
			env: ownEnvironment(this.folder, { ...this.#environment, ...member.environment }),
			stdio: ["ignore", "pipe", "pipe"],
		});
		member.child = child;
		child.stdout?.pipe(log, { end: false });
		child.stderr?.pipe(log, { end: false });
		child.once("close", (code) => {
			log.end();
			this.own_exits += code === null ? 0 : 1;
			// Restarts after a delay: the cause of the exit may need a moment to recover.
			setTimeout(() => {
				if (!this.#isDown && member.child === child) {
					this.#spawn(member);
				}
			}, 300);
		});
		return new Promise((resolve) => {
			let output = "";
			child.stdout?.on("data", (chunk) => {
				output += chunk;
				const address = /^ready (\S+)/m.exec(output)?.[1];
				if (address) {
					resolve(address);
				}
			});
		});
	}

	#find(name: string): Member {
		return this.#members.find((member) => member.name === name) as Member;
	}
}

const QUIET = ["--disable-warning=DEP0174", "--disable-warning=ExperimentalWarning"];

function member(name: string, args: string[], environment: Record<string, string> = {}): Member {
	return { name, args, environment };
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
	return exitCode === null && signalCode === null;
}

async function isReady(address: string): Promise<boolean> {
	try {
		return (await fetch(`${address}/health/ready`, { signal: AbortSignal.timeout(5000) })).status === 200;
	} catch {
		return false;
	}
}
