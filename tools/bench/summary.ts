import { type CaseName, caseOf } from "./cases.ts";
import type { Sample, ShapeResult, SideSummary } from "./measure.ts";
import { median, spread } from "./statistics.ts";

/** Figures of one server in one case over all rounds. */
export interface Row {
	case: CaseName;
	side: string;
	kind: SideSummary["kind"];
	per_second: number;
	/** Range between the slowest and the fastest round, as a share of the median. */
	spread: number;
	/** Median over the rounds of the ratio of the shop to the limit in the same round; undefined for the limit. */
	ratio?: number;
	/**
	 * Processor time per unit of the limit and its servers divided by the shop's: independent of other load on the
	 * machine.
	 */
	cpu_ratio?: number;
	goal?: number;
	/** Reference of the goal if it is not the limit. */
	goal_of?: "its orders";
	p50_ms: number;
	p99_ms: number;
	/** Milliseconds of processor time per 1,000 units, by component. */
	cpu: Record<string, number>;
	cpu_all: number;
	memory_mb: number;
	failed: Record<string, number>;
	others_cores: number;
	neighbours_cores: number;
	/** Counts per order of the last round. */
	commits?: number;
	writes?: number;
	wal_bytes?: number;
	postgres_ms?: number;
}

/** Returns all rows of a shape, case by case. */
export function rowsOf({ sides, samples, shape }: ShapeResult): Row[] {
	const cases = [...new Set(samples.map((sample) => sample.case))];
	const rows = cases.flatMap((name) =>
		sides
			.map((side) => ({ side, own: samples.filter((one) => one.case === name && one.side === side.name) }))
			.filter(({ own }) => own.length > 0)
			.map(({ side, own }) => rowOf(name, side, own)),
	);
	const find = (name: CaseName, side: string) => rows.find((row) => row.case === name && row.side === side);
	for (const row of rows.filter(({ kind }) => kind === "shop")) {
		const limit = find(row.case, "limit");
		row.goal = caseOf(row.case).goal?.[shape];
		if (limit !== undefined) {
			row.ratio = ratioOf(samples, row.case, row.side);
			row.cpu_ratio = limit.cpu_all / row.cpu_all;
		}
		const order = find("order", row.side);
		if ((row.case === "sold-out" || row.case === "sustained") && order !== undefined) {
			row.goal = row.case === "sold-out" ? 1 : 0.5;
			row.goal_of = "its orders";
			if (row.case === "sustained") {
				row.ratio = row.per_second / order.per_second;
			}
		}
	}
	return rows;
}

/** Returns the value compared with the goal: the ratio to the limit, or to the shop's own orders. */
export function reached(row: Row, rows: readonly Row[]): number | undefined {
	if (row.case !== "sold-out") {
		return row.ratio;
	}
	const order = rows.find(({ case: name, side }) => name === "order" && side === row.side);
	return order && row.per_second / order.per_second;
}

function rowOf(name: CaseName, side: SideSummary, samples: Sample[]): Row {
	const cpu = cpuOf(samples);
	const failed: Record<string, number> = {};
	for (const [what, times] of samples.flatMap(({ turn }) => Object.entries(turn.failed))) {
		failed[what] = (failed[what] ?? 0) + times;
	}
	const middle = (value: (sample: Sample) => number) => median(samples.map(value));
	const isMail = name === "mail";
	return {
		case: name,
		side: side.name,
		kind: side.kind,
		per_second: middle(({ per_second }) => per_second),
		spread: spread(samples.map(({ per_second }) => per_second)),
		p50_ms: middle(({ turn, mails }) => (isMail ? (mails?.p50_ms ?? Number.NaN) : turn.p50_ms)),
		p99_ms: middle(({ turn, mails }) => (isMail ? (mails?.p99_ms ?? Number.NaN) : turn.p99_ms)),
		cpu,
		cpu_all: Object.values(cpu).reduce((sum, ms) => sum + ms, 0),
		memory_mb: middle(({ memory_mb }) => Object.values(memory_mb).reduce((sum, mb) => sum + mb, 0)),
		failed,
		others_cores: middle(({ others_cores }) => others_cores),
		neighbours_cores: middle(({ neighbours_cores }) => neighbours_cores),
		...postgresOf(samples),
	};
}

function cpuOf(samples: Sample[]): Record<string, number> {
	const components = [...new Set(samples.flatMap(({ cpu_ms }) => Object.keys(cpu_ms)))];
	const entries = components.map((component): [string, number] => [
		component,
		median(samples.map(({ cpu_ms, turn }) => (1000 * (cpu_ms[component] ?? 0)) / turn.done)),
	]);
	return Object.fromEntries(entries.filter(([, ms]) => ms > 0));
}

function postgresOf(samples: Sample[]) {
	const sample = samples.findLast(({ postgres }) => postgres !== undefined);
	if (sample?.postgres === undefined) {
		return {};
	}
	const { commits, writes, wal_bytes } = sample.postgres;
	const { done } = sample.turn;
	return {
		commits: commits / done,
		writes: writes / done,
		wal_bytes: wal_bytes / done,
		postgres_ms: (sample.cpu_ms.PostgreSQL ?? 0) / done,
	};
}

/** Computes the ratio round by round: a temporary slowdown of the machine affects both. */
function ratioOf(samples: readonly Sample[], name: CaseName, side: string): number {
	const of = (one: string) => samples.filter((sample) => sample.case === name && sample.side === one);
	const limits = of("limit");
	const ratios = of(side).map((sample) => {
		const limit = limits.find(({ round }) => round === sample.round);
		return sample.per_second / (limit?.per_second ?? Number.NaN);
	});
	return median(ratios);
}
