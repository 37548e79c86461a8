/** The curves that can be measured, in the order in which they are. */
export const CURVES = ["products", "holds", "orders", "processes"] as const;
export type CurveName = (typeof CURVES)[number];

/** One figure at each level of a curve. */
export interface Series {
	/** Such as `a keyed order`. */
	what: string;
	unit: "ms" | "PostgreSQL ms" | "kB of its log" | "per second" | "cores" | "s" | "MB";
	/** NaN where it was not measured. */
	values: number[];
	/** Whether a verdict is given; the others are there to explain. */
	isJudged: boolean;
}

/** The name of the series that says how many cores the whole machine used. */
export const ALL_CORES = "the whole machine";

/** The name of a request that has nothing to do with what grows: where it changes, the machine did. */
export const COMPARISON = "for comparison: one's own account";

/** A figure at one level. */
export interface Figure extends Pick<Series, "what" | "unit" | "isJudged"> {
	value: number;
}

/** The series of figures, in the order in which they first come. */
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

/** How a shop's figures change while something in it grows. */
export interface Curve {
	name: CurveName;
	title: string;
	/** The noun for a level, such as `products`. */
	of: string;
	levels: number[];
	series: Series[];
	/** Remarks for the reader, such as why the curve ends early. */
	notes: string[];
	/** Unexpected answers, and how often they came. */
	failed: Record<string, number>;
}

/** A tenfold may add this share of the time at the first level. */
export const ADDED_MAX = 0.25;
/** Medians differ by so much from run to run, so an addition that is not larger says nothing. */
export const NOISE_MS = 0.2;
/** Twice as many processes have to do this many times as much, unless the machine has no more to give. */
export const DOUBLING_MIN = 1.5;
/** A machine whose cores are used to this share has no more to give. */
const BUSY_SHARE = 0.9;

/** How a series grows. */
export interface Verdict {
	isGood: boolean;
	/** For a table. */
	word: "logarithmic" | "worse" | "busy" | "follows" | "cores" | "stays behind";
	/** The step at which it shows, for people. */
	step?: string;
}

/**
 * How many tenfolds lie between two levels. From none to some is one: so little is there at first that only the step counts.
 */
export function tenfolds(from: number, to: number): number {
	return from === 0 ? 1 : Math.log10(to / from);
}

/** The most that a logarithmic curve has at each level, in the unit of its first value. */
export function allowed(levels: readonly number[], first: number): number[] {
	let tens = 0;
	return levels.map((level, index) => {
		tens += index === 0 ? 0 : tenfolds(levels[index - 1] as number, level);
		return first * (1 + ADDED_MAX * tens) + (index === 0 ? 0 : NOISE_MS);
	});
}

/**
 * Whether times grow no faster than the logarithm of the level. A tree of an index gains a fixed amount with each tenfold;
 * what reads everything gains ten times as much with each as with the one before.
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

/** Whether throughput follows the number of processes as far as the machine has cores for them. */
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
					word: "stays behind",
					step: `${step}, although ${(cores - used).toFixed(1)} cores are free`,
				};
	}
	return { isGood: true, word: "follows" };
}

/** A number in full: 1,000,000. */
export function count(value: number): string {
	return Math.round(value).toLocaleString("en");
}

/** Milliseconds to the hundredth, and to the tenth from 10 on. */
export function ms(value: number): string {
	return value.toFixed(value < 10 ? 2 : 1);
}
