import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { searchPath } from "../../config/node-env.mjs";
import { findNatsServer } from "../../infra/programs.ts";
import { cleanUp } from "../shop-process.ts";
import { type CaseName, caseOf } from "./cases.ts";
import type { TurnResult } from "./load.ts";
import { LoadProcess } from "./load-process.ts";
import { cores, isInMemory, machineTime } from "./machine.ts";
import type { DrainResult } from "./mail-ledger.ts";
import type { MainOptions } from "./options.ts";
import { FLUSH_MS, type PostgresCount } from "./postgres-counters.ts";
import { logInAll, type Shape, type Side, startLimit, startShop } from "./side.ts";

/** Figures of one server in one turn. */
export interface Sample {
	side: string;
	case: CaseName;
	round: number;
	turn: TurnResult;
	mails?: DrainResult;
	/** Units per second; with mails, complete units until the last mail. */
	per_second: number;
	/** Milliseconds of processor time by component, minus the usage of an idle server. */
	cpu_ms: Record<string, number>;
	memory_mb: Record<string, number>;
	/** PostgreSQL counters including the polling of an idle server; only if the measurement waited for them. */
	postgres?: PostgresCount;
	/** Load of the load generator, as a share of one core. */
	load_cores: number;
	/** Load of processes outside the benchmark, as a share of one core. */
	others_cores: number;
	/** Load of the other servers of the benchmark, which should be idle, as a share of one core. */
	neighbours_cores: number;
	stolen_cores: number;
}

/** Summary of a server for the report. */
export interface SideSummary {
	name: string;
	kind: Side["kind"];
	/** Milliseconds from the first start until it was ready, and from the second start, with all its data. */
	ready_ms: number;
	second_start_ms?: number;
	/** Milliseconds of processor time per second, and megabytes, by component, when idle. */
	idle_cpu: Record<string, number>;
	idle_memory_mb: Record<string, number>;
	idle_commits: number;
	/** Number of orders with response 201, and of those in the database. */
	orders_answered: number;
	orders_stored: number;
}

/** All results of one shape. */
export interface ShapeResult {
	shape: Shape;
	sides: SideSummary[];
	samples: Sample[];
}

export interface Measured {
	options: MainOptions;
	begun_at: string;
	ended_at: string;
	cores: number;
	node: string;
	/** Reasons to doubt the figures. */
	warnings: string[];
	shapes: ShapeResult[];
}

const IDLE_MS = 10_000;
const SETTLE_MS = 3000;
const WARM_SHARE = 0.6;
const DRAIN_MS = 90_000;
/** Time limit for the mails of the last order if a rate is to count as sustained. */
const SUSTAINED_DRAIN_MS = 5000;

/** Runs limits and shops in turn and measures them. */
export async function measure(options: MainOptions, log: (line: string) => void): Promise<Measured> {
	const begun_at = new Date().toISOString();
	const warnings: string[] = [];
	if (isInMemory(tmpdir())) {
		warnings.push(
			`${tmpdir()} is in memory, so commits do not wait for a disk. Set TMPDIR to a folder on a disk.`,
		);
	}
	// Found or fetched once instead of by every server in its own folder.
	const nats = await findNatsServer(join(options.own_directory, ".toko"), log);
	const environment = { PATH: `${join(nats.path, "..")}:${searchPath}` };
	const load = new LoadProcess();
	const shapes: ShapeResult[] = [];
	try {
		for (const shape of options.shapes) {
			shapes.push(await measureShape(shape, options, environment, load, log));
		}
	} finally {
		load.close();
		await cleanUp();
	}
	const ended_at = new Date().toISOString();
	const result = { options, begun_at, ended_at, cores, node: process.version, warnings, shapes };
	return result;
}

async function measureShape(
	shape: Shape,
	options: MainOptions,
	environment: Record<string, string>,
	load: LoadProcess,
	log: (line: string) => void,
): Promise<ShapeResult> {
	const sides: Side[] = [];
	const samples: Sample[] = [];
	const profiles = (name: string) => {
		if (options.profiles === undefined) {
			return undefined;
		}
		const folder = join(options.profiles, shape, name);
		rmSync(folder, { recursive: true, force: true });
		mkdirSync(folder, { recursive: true });
		return folder;
	};
	try {
		log(`${shape}: starting the limit`);
		sides.push(await startLimit(shape, await load.do("sink"), { profiles: profiles("limit"), environment }));
		for (const { name, directory } of options.shops) {
			log(`${shape}: starting the shop ${name}`);
			sides.push(
				await startShop(name, directory, shape, await load.do("sink"), {
					profiles: profiles(name),
					environment,
				}),
			);
		}
		await measureIdle(sides);
		const measurement = new Measurement(shape, options, load, sides);
		for (const name of options.cases) {
			for (const side of measurement.sidesOf(name)) {
				await measurement.warmUp(name, side);
			}
		}
		log(`${shape}: warm`);
		for (let round = 1; round <= options.rounds; round++) {
			for (const name of options.cases) {
				if (name === "sustained" && round > 1) {
					continue;
				}
				const sidesOf = measurement.sidesOf(name);
				// In turn with alternating order, so that neither always has warmer caches or busier neighbours.
				for (const side of round % 2 === 1 ? sidesOf : sidesOf.toReversed()) {
					const sample = await measurement.turn(name, round, side);
					samples.push(sample);
					log(line(shape, options.rounds, sample));
				}
			}
		}
		const summaries: SideSummary[] = [];
		for (const side of sides) {
			summaries.push(await summarize(side));
		}
		for (const summary of summaries.filter(({ kind }) => kind === "shop")) {
			log(`${shape}: starting ${summary.name} a second time`);
			summary.second_start_ms = await sides.find(({ name }) => name === summary.name)?.restart();
		}
		return { shape, sides: summaries, samples };
	} finally {
		for (const side of sides) {
			side.time.stop();
			await side.postgres.close();
		}
		await cleanUp();
	}
}

class Measurement {
	#shape: Shape;
	#options: MainOptions;
	#load: LoadProcess;
	#sides: Side[];
	#seed = 1;

	constructor(shape: Shape, options: MainOptions, load: LoadProcess, sides: Side[]) {
		this.#shape = shape;
		this.#options = options;
		this.#load = load;
		this.#sides = sides;
	}

	sidesOf(name: CaseName): Side[] {
		return this.#sides.filter(({ kind }) => kind === "shop" || caseOf(name).hasLimit);
	}

	/** Compiles the code and fills the caches; the results are discarded. */
	async warmUp(name: CaseName, side: Side): Promise<void> {
		if (name !== "sustained" || !this.#options.cases.includes("order")) {
			await this.#run(name, 0, side, this.#options.seconds * WARM_SHARE);
		}
	}

	async turn(name: CaseName, round: number, side: Side): Promise<Sample> {
		const { seconds, sustained_seconds, rounds, profiles } = this.#options;
		const isLast = round === rounds;
		const countsCommits = isLast && (name === "order" || name === "mail");
		await logInAll(side);
		if (countsCommits) {
			await wait(Math.max(0, FLUSH_MS - (Date.now() - side.last_active_ms)));
		}
		const stopProfile = profiles !== undefined && isLast ? this.#profile(profiles, name, side) : undefined;
		const before = await this.#read(side);
		const { turn, mails, load } = await this.#run(
			name,
			round,
			side,
			name === "sustained" ? sustained_seconds : seconds,
		);
		const after = await this.#read(side);
		stopProfile?.();
		const memory_mb = Object.fromEntries(side.time.memory());
		let postgres: PostgresCount | undefined;
		if (countsCommits) {
			await wait(FLUSH_MS);
			const counted = await side.postgres.count();
			// Commits of an idle server are part of the cost under load, but not of the wait.
			const waited_s = (performance.now() - after.at_ms) / 1000;
			postgres = {
				commits: counted.commits - before.postgres.commits - waited_s * side.idle_commits,
				writes: counted.writes - before.postgres.writes,
				wal_bytes: counted.wal_bytes - before.postgres.wal_bytes,
			};
		}
		return {
			side: side.name,
			case: name,
			round,
			turn,
			mails,
			per_second: perSecond(name, turn, mails),
			cpu_ms: used(side, before, after),
			memory_mb,
			postgres,
			...load,
		};
	}

	/** Runs one turn with its mails and records the load of the rest of the machine. */
	async #run(name: CaseName, round: number, side: Side, seconds: number) {
		const { connections } = this.#options;
		const others = this.#sides.filter((one) => one !== side);
		const { steps } = caseOf(name);
		const before = await this.#machine(side, others);
		const turn = await this.#load.do("turn", {
			address: side.address,
			sink: side.sink,
			steps,
			connections,
			seconds,
			seed: this.#seed++,
			customers: side.customers,
			products: side.products,
			hot_product: side.hot_products[round % side.hot_products.length] as string,
			sold_out_product: side.sold_out_product,
			mails: side.mails,
			isNat: this.#options.isNat,
			isPaced: name === "sustained",
		});
		side.orders += turn.orders;
		const after = await this.#machine(side, others);
		const elapsed_ms = after.at_ms - before.at_ms;
		const share = (one: number, other: number) => Math.max(0, (other - one) / elapsed_ms);
		const load = {
			load_cores: share(before.load_ms, after.load_ms),
			neighbours_cores: share(before.neighbours_ms, after.neighbours_ms),
			others_cores: share(before.others_ms, after.others_ms),
			stolen_cores: share(before.stolen_ms, after.stolen_ms),
		};
		const mails =
			turn.orders > 0 ? await this.#load.do("drain", { sink: side.sink, timeout_ms: DRAIN_MS }) : undefined;
		side.last_active_ms = Date.now();
		return { turn, mails, load };
	}

	async #machine(side: Side, others: Side[]) {
		const { busy_ms, stolen_ms } = machineTime();
		const neighbours_ms = sum(others.flatMap(({ time }) => [...time.now().values()]));
		const load_ms = await this.#load.do("cpu_ms");
		const { user, system } = process.cpuUsage();
		const ours = neighbours_ms + load_ms + sum([...side.time.now().values()]) + (user + system) / 1000;
		return { at_ms: performance.now(), neighbours_ms, load_ms, stolen_ms, others_ms: busy_ms - ours };
	}

	async #read(side: Side) {
		return { at_ms: performance.now(), times: side.time.now(), postgres: await side.postgres.count() };
	}

	#profile(folder: string, name: CaseName, side: Side): () => void {
		const file = join(folder, this.#shape, side.name, "measuring");
		writeFileSync(file, name);
		return () => rmSync(file);
	}
}

type Reading = { at_ms: number; times: Map<string, number> };

/** Returns the processor time by component. A server that used less than when idle counts as zero. */
function used(side: Side, before: Reading, after: Reading): Record<string, number> {
	const elapsed_s = (after.at_ms - before.at_ms) / 1000;
	const entries = [...after.times].map(([component, ms]): [string, number] => [
		component,
		Math.max(0, ms - (before.times.get(component) ?? 0) - elapsed_s * (side.idle.get(component) ?? 0)),
	]);
	return Object.fromEntries(entries);
}

function perSecond(name: CaseName, turn: TurnResult, mails: DrainResult | undefined): number {
	if (name === "mail" && mails) {
		return mails.completed === 0 ? 0 : (mails.completed * 1000) / mails.until_last_mail_ms;
	}
	const hasKeptUp = mails === undefined || (mails.missing === 0 && mails.drained_ms <= SUSTAINED_DRAIN_MS);
	return name === "sustained" && !hasKeptUp ? 0 : (turn.done * 1000) / turn.elapsed_ms;
}

/** Measures all servers at the same time, since they are idle. */
async function measureIdle(sides: Side[]): Promise<void> {
	await wait(SETTLE_MS);
	const before = await Promise.all(
		sides.map(async ({ time, postgres }) => ({ times: time.now(), counted: await postgres.count() })),
	);
	await wait(IDLE_MS);
	for (const [number, side] of sides.entries()) {
		const { times, counted } = before[number] as (typeof before)[number];
		for (const [component, ms] of side.time.now()) {
			side.idle.set(component, ((ms - (times.get(component) ?? 0)) * 1000) / IDLE_MS);
		}
		side.idle_commits = (((await side.postgres.count()).commits - counted.commits) * 1000) / IDLE_MS;
		side.idle_memory = side.time.memory();
	}
}

async function summarize(side: Side): Promise<SideSummary> {
	const { name, kind, ready_ms, idle, idle_memory, idle_commits, orders } = side;
	return {
		name,
		kind,
		ready_ms,
		idle_cpu: Object.fromEntries(idle),
		idle_memory_mb: Object.fromEntries(idle_memory),
		idle_commits,
		orders_answered: orders,
		orders_stored: await side.postgres.orders(),
	};
}

function line(shape: Shape, rounds: number, sample: Sample): string {
	const failed = sum(Object.values(sample.turn.failed));
	return [
		`${shape} ${sample.round}/${rounds}`,
		caseOf(sample.case).title.padEnd(19),
		sample.side.padEnd(8),
		`${sample.per_second.toFixed(0).padStart(6)}/s`,
		`p99 ${sample.turn.p99_ms.toFixed(1)} ms`,
		...(failed > 0 ? [`${failed} failed`] : []),
		...(sample.others_cores > 0.2 ? [`other programs used ${sample.others_cores.toFixed(1)} cores`] : []),
	].join("  ");
}

function sum(values: readonly number[]): number {
	return values.reduce((all, value) => all + value, 0);
}
