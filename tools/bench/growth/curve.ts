/** Names of the curves in the order of measurement. */
export const CURVES = ["products", "holds", "orders", "processes"] as const;
export type CurveName = (typeof CURVES)[number];

/** One figure at each level of a curve. */
export interface Series {
	/** Name such as `a keyed order`. */
	what: string;
	unit: "ms" | "PostgreSQL ms" | "kB of WAL" | "per second" | "cores" | "s" | "MB";
	/** Values by level; NaN if not measured. */
	values: number[];
	/** True if the series gets a verdict; the others are informative. */
	isJudged: boolean;
}

/** Name of the series with the number of cores that the whole machine used. */
export const ALL_CORES = "the whole machine";

/** Name of a request that is independent of the growing data: if it changes, the machine did. */
export const COMPARISON = "for comparison: own account";

/** A figure at one level. */
export interface Figure extends Pick<Series, "what" | "unit" | "isJudged"> {
	value: number;
}

/** Groups figures into series, in order of first appearance. */
export function seriesOf(levels: readonly (readonly Figure[])[]): Series[] {
	const found = new Map<string, Series>();
	for (const [level, figures] of levels.entries()) {
		for (const { what, unit, value, isJudged } of figures) {
			const name = `${what} ${unit}`;
			const series = found.get(name) ?? { what, unit, isJudged, values: levels.map(() => Number.NaN) };
			series.values[level] = value;
			found.set(name, series);
		}
	}
	return [...found.values()];
}

/** Figures of a shop at growing amounts of data. */
export interface Curve {
	name: CurveName;
	title: string;
	/** Noun for a level, such as `products`. */
	of: string;
	levels: number[];
	series: Series[];
	/** Remarks for the reader, such as the reason why the curve ends early. */
	notes: string[];
	/** Number of unexpected responses by kind. */
	failed: Record<string, number>;
}

/** Maximum increase for each tenfold level, as a share of the time at the first level. */
export const ADDED_MAX = 0.25;
/** Difference of medians between runs; a smaller increase is not significant. */
export const NOISE_MS = 0.2;
/** Minimum factor of throughput when the number of processes doubles, unless the machine is saturated. */
export const DOUBLING_MIN = 1.5;
/** Share of all cores in use from which the machine counts as saturated. */
const BUSY_SHARE = 0.9;

/** Verdict on the growth of a series. */
export interface Verdict {
	isGood: boolean;
	/** Label in a table. */
	word: "logarithmic" | "worse" | "busy" | "scales" | "cores" | "does not scale";
	/** The step that decided the verdict, as text. */
	step?: string;
}

/**
 * Returns the number of decades between two levels. A step from zero counts as one decade: at so few records only the
 * step itself matters.
 */
export function tenfolds(from: number, to: number): number {
	return from === 0 ? 1 : Math.log10(to / from);
}

/** Returns the upper bound of a logarithmic curve at each level, in the unit of `first`. */
export function allowed(levels: readonly number[], first: number): number[] {
	let tens = 0;
	return levels.map((level, index) => {
		tens += index === 0 ? 0 : tenfolds(levels[index - 1] as number, level);
		return first * (1 + ADDED_MAX * tens) + (index === 0 ? 0 : NOISE_MS);
	});
}

/**
 * Judges whether times grow no faster than the logarithm of the level. An index tree gains a fixed amount with each
 * decade; a full scan gains ten times as much as in the decade before.
 */
export function judgeTimes(levels: readonly number[], values: readonly number[], of: string): Verdict {
	const first = values[0] as number;
	for (const [index, value] of values.entries()) {
		const before = values[index - 1];
		if (before === undefined || !Number.isFinite(value) || !Number.isFinite(before)) {
			continue;
		}
		const [from = 0, to = 0] = [levels[index - 1], levels[index]];
		if (value - before > ADDED_MAX * first * tenfolds(from, to) + NOISE_MS) {
			const step = `from ${count(from)} to ${count(to)} ${of}`;
			return {
				isGood: false,
				word: "worse",
				step: `worse than logarithmic ${step}: ${ms(before)} → ${ms(value)} ms`,
			};
		}
	}
	return { isGood: true, word: "logarithmic" };
}

/** Judges whether throughput scales with the number of processes, up to the number of cores of the machine. */
export function judgeRates(
	levels: readonly number[],
	rates: readonly number[],
	usedCores: readonly number[],
	cores: number,
): Verdict {
	for (const [index, rate] of rates.entries()) {
		const before = rates[index - 1];
		if (before === undefined) {
			continue;
		}
		const times = rate / before;
		const doublings = Math.log2((levels[index] as number) / (levels[index - 1] as number));
		if (times >= DOUBLING_MIN ** doublings) {
			continue;
		}
		const used = Math.max(usedCores[index - 1] as number, usedCores[index] as number);
		const step = `${levels[index - 1]} → ${levels[index]} processes: ${times.toFixed(2)} times as many orders`;
		return used >= BUSY_SHARE * cores
			? {
					isGood: true,
					word: "cores",
					step: `${step}; the cores are the limit, ${used.toFixed(1)} of ${cores} used`,
				}
			: {
					isGood: false,
					word: "does not scale",
					step: `${step}, although ${(cores - used).toFixed(1)} cores are free`,
				};
	}
	return { isGood: true, word: "scales" };
}

/** Formats a number in full, such as 1,000,000. */
export function count(value: number): string {
	return Math.round(value).toLocaleString("en");
}

/** Formats milliseconds with two decimals, from 10 on with one. */
export function ms(value: number): string {
	return value.toFixed(value < 10 ? 2 : 1);
}
