import { setTimeout as wait } from "node:timers/promises";
import { cleanUp } from "../../shop-process.ts";
import { CASES } from "../cases.ts";
import { LoadProcess } from "../load-process.ts";
import { cores, machineTime } from "../machine.ts";
import { logInAll, type Side, startShop } from "../side.ts";
import { addTo, median } from "../statistics.ts";
import { ALL_CORES as ALL, type Curve, type Figure, seriesOf } from "./curve.ts";

const LEVELS = [1, 2, 4];
const CONNECTIONS = 32;
const ROUNDS = 5;
const SECONDS = 5;
const WARM_SECONDS = 5;
const DRAIN_MS = 90_000;
const SETTLE_MS = 1000;
const OTHERS = "other programs, and the kernel";
/** Maximum number of cores that other programs may use; the kernel uses about a quarter of a core. */
const OTHERS_MAX = 0.5;
/** Minimum number of cores from which a component is reported. */
const SHOWN_CORES = 0.03;

/** Measures orders per second by the number of orders processes; every other service has one process. */
export async function growProcesses(directory: string, log: (line: string) => void): Promise<Curve> {
	const load = new LoadProcess();
	const figures: Figure[][] = [];
	const failed = new Map<string, number>();
	try {
		for (const level of LEVELS) {
			const found = await measureLevel(directory, level, load, failed);
			figures.push(found);
			const summary = found.map(
				({ what, value, unit }) => `${what} ${value.toFixed(unit === "cores" ? 2 : 0)} ${unit}`,
			);
			log(`orders=${level}: ${summary.join(", ")}`);
		}
	} finally {
		load.close();
		await cleanUp();
	}
	const series = seriesOf(figures);
	const others = Math.max(...(series.find(({ what }) => what === OTHERS)?.values ?? []));
	const notes = [
		`the machine has ${cores} cores, which the shop shares with its servers and the load generator`,
	];
	if (others > OTHERS_MAX) {
		notes.push(`${OTHERS} used up to ${others.toFixed(1)} cores: measure again when the machine is idle`);
	}
	return {
		name: "processes",
		title: "Processes of orders",
		of: "processes",
		levels: LEVELS,
		series: series.filter(({ unit, values }) => unit !== "cores" || Math.max(...values) >= SHOWN_CORES),
		notes,
		failed: Object.fromEntries(failed),
	};
}

async function measureLevel(
	directory: string,
	level: number,
	load: LoadProcess,
	failed: Map<string, number>,
): Promise<Figure[]> {
	let side: Side | undefined;
	try {
		side = await startShop("shop", directory, "five", await load.do("sink"), { counts: [`orders=${level}`] });
		const processLoad = new ProcessLoad(side, load, failed);
		await processLoad.turn(WARM_SECONDS);
		const turns: Awaited<ReturnType<ProcessLoad["turn"]>>[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			turns.push(await processLoad.turn(SECONDS));
		}
		const components = new Set(turns.flatMap(({ used }) => [...used.keys()]));
		const of = (component: string) => median(turns.map(({ used }) => used.get(component) ?? 0));
		const per_second = median(turns.map((one) => one.per_second));
		return [
			{ what: "orders", unit: "per second", value: per_second, isJudged: true },
			{ what: ALL, unit: "cores", value: median(turns.map(({ machine }) => machine)), isJudged: false },
			...[...components].map(
				(component): Figure => ({
					what: component === "orders" ? "all processes of orders" : component,
					...{ unit: "cores", value: of(component), isJudged: false },
				}),
			),
			{ what: OTHERS, unit: "cores", value: median(turns.map(({ others }) => others)), isJudged: false },
		];
	} finally {
		side?.time.stop();
		await side?.postgres.close();
		await cleanUp();
	}
}

class ProcessLoad {
	#side: Side;
	#load: LoadProcess;
	#failed: Map<string, number>;
	#seed = 1;

	constructor(side: Side, load: LoadProcess, failed: Map<string, number>) {
		this.#side = side;
		this.#load = load;
		this.#failed = failed;
	}

	/**
	 * Places orders for some seconds. Returns the throughput and the cores used by each component and by the whole
	 * machine.
	 */
	async turn(
		seconds: number,
	): Promise<{ per_second: number; used: Map<string, number>; machine: number; others: number }> {
		const { address, sink, customers, products, sold_out_product, mails } = this.#side;
		await logInAll(this.#side);
		const before = await this.#times();
		const result = await this.#load.do("turn", {
			...{ address, sink, customers, products, sold_out_product, mails, seconds, connections: CONNECTIONS },
			...{ steps: CASES.order.steps, seed: this.#seed++, hot_product: "", isNat: false, isPaced: false },
		});
		const after = await this.#times();
		addTo(this.#failed, Object.entries(result.failed));
		// Starts the next turn only when all work is done.
		await this.#load.do("drain", { sink, timeout_ms: DRAIN_MS });
		await wait(SETTLE_MS);
		const elapsed_ms = after.at_ms - before.at_ms;
		const used = new Map(
			[...after.components].map(([component, ms]) => [
				component,
				(ms - (before.components.get(component) ?? 0)) / elapsed_ms,
			]),
		);
		const machine = (after.busy_ms - before.busy_ms) / elapsed_ms;
		const others = machine - [...used.values()].reduce((sum, share) => sum + share, 0);
		return { per_second: (result.done * 1000) / result.elapsed_ms, used, machine, others };
	}

	async #times() {
		const components = new Map(this.#side.time.now());
		components.set("load generator", await this.#load.do("cpu_ms"));
		return { at_ms: performance.now(), components, busy_ms: machineTime().busy_ms };
	}
}
