import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { namedServices } from "../../hosting/services.ts";
import { startProgram } from "../../processes/child.ts";
import { type Audit, audit } from "../audit/audit.ts";
import type { Sources } from "../audit/snapshot.ts";
import { median } from "../bench/statistics.ts";
import { type Command, commandOf, follow, killAll, ownEnvironment, processesOf } from "../shop-process.ts";
import { isGood, Load, type Sample } from "./load.ts";
import { METHOD, SHIPPED } from "./offers.ts";
import { openSourcesOf, type Stage, withCluster } from "./stage.ts";

/** Result of a run. Times in milliseconds. */
export interface RollingReport {
	per_second: number;
	/** Requests while every process was replaced, one after the other. */
	rolling: { requests: number; failed: number; seconds: number; processes: number };
	/** Requests after one of two orders processes was killed, and the time until the last failure. */
	kill: { requests: number; failed: number; last_failure_ms: number };
	/** Median times of product reads with and without orders, in one run. */
	reads: { with_ms: number; without_ms: number; failed: number };
	/** Number of failed requests by kind, such as `read: 504 TIMED_OUT`. */
	failures: Map<string, number>;
	accepted: number;
	audit: Audit;
	violations: string[];
}

const ADMIN = { email: "keeper@toko.test", password: "rahasia-sekali" };
/** Half of the orders use it, and are shipped. */
const VOUCHER = { code: "HEMAT", kind: "percent", value: 12.5, max_uses: 1_000_000 };
const PER_SECOND = 200;
const PRODUCTS = 100;
const BUYERS = 5;
const WARM_UP_MS = 5000;
const AFTER_KILL_MS = 8000;
/** Number of rounds with and without orders, in turn, so that both run under the same conditions. */
const READ_ROUNDS = 3;
const READ_ROUND_MS = 5000;
const READ_RATIO_MAX = 1.2;
/** Time after which callers have detected the failure. */
const DETECTION_MS = 3000;
const START_MS = 300_000;
const SETTLE_MS = 60_000;

/**
 * Runs `npm run cluster` with two processes of each service. Under steady load, it replaces every process, kills an
 * orders process, and freezes all orders processes while products are read. Then it audits.
 */
export async function runRolling(stage: Stage): Promise<RollingReport> {
	const folder = mkdtempSync(join(tmpdir(), "toko-rolling-"));
	const cluster = new RunningCluster(folder);
	return withCluster(cluster, stage, async () => {
		stage.log(`starting a cluster in ${folder}`);
		return measure(cluster, await cluster.start(), PER_SECOND, stage.log);
	});
}

async function measure(
	cluster: RunningCluster,
	addresses: string[],
	per_second: number,
	log: (line: string) => void,
): Promise<RollingReport> {
	const { products, tokens } = await stockUp(addresses[0] as string);
	const load = new Load(addresses, products, tokens, [{}, { voucher_code: VOUCHER.code, ...SHIPPED }]);
	load.start(per_second);
	await wait(WARM_UP_MS);

	log("replacing every process");
	const started_at = performance.now();
	cluster.signal("SIGUSR2");
	await cluster.line(/^replaced all processes/);
	const replaced_at = performance.now();
	await wait(DETECTION_MS);

	log("killing one of two processes of orders");
	const killed_at = performance.now();
	cluster.signalProcess("orders", "SIGKILL", 1);
	await wait(AFTER_KILL_MS);
	const over_at = performance.now();
	await wait(WARM_UP_MS);

	const phases = await phasesOfReading(cluster, log);
	await load.stop();
	const rolled = load.between(started_at, replaced_at + DETECTION_MS);
	const seconds = Math.round((replaced_at - started_at) / 1000);
	const rolling = { requests: rolled.length, failed: failures(rolled).length, seconds, processes: 10 };
	const after = load.between(killed_at, over_at);
	const last_failure_ms = Math.max(0, ...failures(after).map(({ answered_at }) => answered_at - killed_at));
	const kill = { requests: after.length, failed: failures(after).length, last_failure_ms };
	const reads = readsIn(load, phases);

	const sources = await openSourcesOf(cluster, log);
	try {
		const lost = await lostOrders(sources, load.accepted);
		const report = {
			...{ per_second, rolling, kill, reads, accepted: load.accepted.length },
			failures: count(failures(load.samples).map(({ what, status, code }) => `${what}: ${status} ${code}`)),
		};
		return {
			...report,
			audit: await audit(sources, SETTLE_MS),
			violations: [
				...(rolling.failed === 0 ? [] : [`${rolling.failed} requests failed while processes were replaced`]),
				...(kill.last_failure_ms <= 2000 ? [] : ["requests still failed more than 2 s after a kill"]),
				...(reads.failed === 0 ? [] : [`${reads.failed} reads failed while orders was frozen and resumed`]),
				...(reads.without_ms <= READ_RATIO_MAX * reads.with_ms ? [] : ["reads are slower without orders"]),
				...(lost === 0 ? [] : [`${lost} accepted orders are lost`]),
			],
		};
	} finally {
		await sources.close();
	}
}

interface Phase {
	withOrders: boolean;
	from: number;
	to: number;
}

async function phasesOfReading(cluster: RunningCluster, log: (line: string) => void): Promise<Phase[]> {
	const phases: Phase[] = [];
	const read = async (withOrders: boolean) => {
		const from = performance.now();
		await wait(READ_ROUND_MS);
		phases.push({ withOrders, from, to: performance.now() });
	};
	for (let round = 1; round <= READ_ROUNDS; round++) {
		log(`reading with and without orders, round ${round} of ${READ_ROUNDS}`);
		await read(true);
		cluster.signalProcess("orders", "SIGSTOP");
		await wait(DETECTION_MS);
		await read(false);
		cluster.signalProcess("orders", "SIGCONT");
		await wait(DETECTION_MS);
	}
	return phases;
}

function readsIn(load: Load, phases: Phase[]): RollingReport["reads"] {
	const of = (wanted: boolean) =>
		phases
			.filter(({ withOrders }) => withOrders === wanted)
			.flatMap(({ from, to }) => load.between(from, to))
			.filter(({ what }) => what === "read");
	const [having, missing] = [of(true), of(false)];
	return {
		with_ms: medianTime(having),
		without_ms: medianTime(missing),
		failed: failures([...having, ...missing]).length,
	};
}

function failures(samples: Sample[]): Sample[] {
	return samples.filter((sample) => !isGood(sample));
}

function count(names: string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const name of names) {
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	return counts;
}

function medianTime(samples: Sample[]): number {
	return median(samples.map(({ sent_at, answered_at }) => answered_at - sent_at));
}

async function lostOrders(sources: Sources, accepted: string[]): Promise<number> {
	const [row] = await sources.snapshot("orders", (query) =>
		query<{ found: number }>("SELECT count(*)::integer AS found FROM orders WHERE id = ANY($1)", [accepted]),
	);
	return accepted.length - (row?.found ?? 0);
}

async function stockUp(address: string): Promise<{ products: string[]; tokens: string[] }> {
	const post = async (path: string, body: object, token?: string) => {
		const response = await fetch(`${address}/api/v1${path}`, {
			method: "POST",
			headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
			body: JSON.stringify(body),
		});
		const result = await response.json();
		if (!response.ok) {
			throw new Error(`${path}: ${response.status} ${JSON.stringify(result)}`);
		}
		return result as { id: string; access_token: string };
	};
	const { access_token: admin } = await post("/users/login", ADMIN);
	await post("/vouchers", VOUCHER, admin);
	await post("/shipping-methods", METHOD, admin);
	const products: string[] = [];
	for (let number = 0; number < PRODUCTS; number++) {
		const product = { name: `Kopi ${number}`, description: "", price: 1000, stock: 100_000, category: "uji" };
		products.push((await post("/products", product, admin)).id);
	}
	const tokens: string[] = [];
	for (let number = 0; number < BUYERS; number++) {
		const person = { email: `buyer-${number}@toko.test`, password: ADMIN.password };
		await post("/users/register", { ...person, username: `buyer-${number}`, full_name: "Budi" });
		tokens.push((await post("/users/login", person)).access_token);
	}
	return { products, tokens };
}

/** A cluster run by `npm run cluster`, in its own folder. */
class RunningCluster {
	folder: string;
	environment: Record<string, string>;
	#command: Command | undefined;

	constructor(folder: string) {
		this.folder = folder;
		this.environment = {
			TOKO_DIR: folder,
			PORT: "0",
			RATE_LIMIT: "0",
			LOG_LEVEL: "warn",
			ADMIN_EMAIL: ADMIN.email,
			ADMIN_PASSWORD: ADMIN.password,
		};
	}

	/** Starts the cluster and returns the addresses of its gateways. */
	async start(): Promise<string[]> {
		const twice = namedServices("").map((name) => `${name}=2`);
		this.#command = follow(
			startProgram(["cli/cluster.ts", ...twice], ownEnvironment(this.folder, this.environment)),
		);
		return (await this.line(/^ready /)).split(" ").slice(1);
	}

	line(pattern: RegExp): Promise<string> {
		return (this.#command as Command).line(pattern, START_MS);
	}

	signal(signal: NodeJS.Signals): void {
		this.#command?.child.kill(signal);
	}

	/** Sends a signal to at most `count` processes of a service. */
	signalProcess(service: string, signal: NodeJS.Signals, count = Number.POSITIVE_INFINITY): void {
		const found = processesOf(this.folder).filter((pid) => commandOf(pid).endsWith(`cli/node.ts ${service}`));
		if (found.length === 0) {
			throw new Error(`no process of ${service} is running to receive ${signal}`);
		}
		for (const pid of found.slice(0, count)) {
			process.kill(pid, signal);
		}
	}

	/** Kills all processes. */
	async stop(): Promise<void> {
		await killAll(this.folder);
	}
}
