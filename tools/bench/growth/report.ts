import { getBorderCharacters, table as textTable } from "table";
import { lineChart, type Panel } from "../line-chart.ts";
import { table, writeFiles } from "../markdown.ts";
import { short } from "../svg.ts";
import {
	ADDED_MAX,
	ALL_CORES,
	allowed,
	COMPARISON,
	type Curve,
	count,
	DOUBLING_MIN,
	judgeRates,
	judgeTimes,
	ms,
	NOISE_MS,
	type Series,
	tenfolds,
	type Verdict,
} from "./curve.ts";

/** Curves and the machine that they were measured on. */
export interface Growth {
	begun_at: string;
	cores: number;
	node: string;
	curves: Curve[];
}

/** Returns the verdict on a series of a curve; undefined for an informative series. */
export function verdictOf(curve: Curve, series: Series, cores: number): Verdict | undefined {
	if (!series.isJudged || curve.levels.length < 2) {
		return undefined;
	}
	if (series.unit === "per second") {
		const used = curve.series.find(({ what }) => what === ALL_CORES)?.values ?? [];
		return judgeRates(curve.levels, series.values, used, cores);
	}
	const verdict = judgeTimes(curve.levels, series.values, curve.of);
	const comparison = curve.series.find(({ what, unit }) => what === COMPARISON && unit === series.unit);
	if (verdict.isGood || !comparison || judgeTimes(curve.levels, comparison.values, curve.of).isGood) {
		return verdict;
	}
	return {
		...verdict,
		word: "busy",
		step: `${verdict.step}, but so is the comparison: measure again when the machine is idle`,
	};
}

/** Formats a curve as a table for the terminal, with its verdicts and notes. */
export function formatCurve(curve: Curve, cores: number): string {
	const [header, ...rows] = rowsOf(curve, cores);
	const lines = textTable([header as string[], ...rows], {
		border: getBorderCharacters("void"),
		columnDefault: { alignment: "right", paddingLeft: 0, paddingRight: 2 },
		columns: { 0: { alignment: "left" }, [(header as string[]).length - 1]: { alignment: "left" } },
		drawHorizontalLine: () => false,
	});
	return [`\n${curve.title}`, lines.trimEnd(), ...remarks(curve, cores)].join("\n");
}

/** Writes the report and a chart of each curve into a folder. Returns the names of the files. */
export function writeGrowth(folder: string, growth: Growth): Promise<string> {
	const { curves } = growth;
	const name = curves.length === 1 ? `growth-${curves[0]?.name}` : "growth";
	return writeFiles(folder, [
		[`${name}.md`, markdown(growth)],
		[`${name}.json`, `${JSON.stringify(growth, null, "\t")}\n`],
		...curves.map((curve) => [`growth-${curve.name}.svg`, chart(curve, growth)] as const),
	]);
}

/** Formats the report in Markdown. */
export function markdown({ begun_at, cores, node, curves }: Growth): string {
	return [
		"# How the shop grows",
		"",
		`${begun_at.slice(0, 16).replace("T", " ")} UTC, ${cores} cores, Node ${node}. Times are medians of one request at a time; ` +
			"in brackets is the ratio to the first level.",
		"",
		`_Logarithmic_: each tenfold adds at most ${ADDED_MAX * 100} % of the time at the first level, and ${NOISE_MS} ms, by ` +
			`which medians differ. Processes: twice as many do at least ${DOUBLING_MIN} times as much, or all cores are used.`,
		"",
		...curves.flatMap((curve) => {
			const [header = [], ...rows] = rowsOf(curve, cores);
			return [
				`## ${curve.title}`,
				"",
				`![${curve.title}](growth-${curve.name}.svg)`,
				"",
				...table(header, rows),
				...remarks(curve, cores).flatMap((line) => [`> ${line}`, ""]),
			];
		}),
	].join("\n");
}

/** Returns the header and the rows of the table of a curve. */
function rowsOf(curve: Curve, cores: number): string[][] {
	const { of, levels, series } = curve;
	const header = [of, ...levels.map(count), "verdict"];
	const rows = series.map((one) => {
		const [first = Number.NaN] = one.values;
		const cells = one.values.map((value, index) => {
			const ratio = index > 0 && first > 0 ? ` (${(value / first).toFixed(2)})` : "";
			return Number.isFinite(value) ? `${figure(one.unit, value)}${ratio}` : "";
		});
		return [`${one.what}, ${one.unit}`, ...cells, verdictOf(curve, one, cores)?.word ?? ""];
	});
	return [header, ...rows];
}

function figure(unit: Series["unit"], value: number): string {
	switch (unit) {
		case "ms":
		case "PostgreSQL ms":
			return ms(value);
		case "cores":
			return value.toFixed(2);
		default:
			return short(value);
	}
}

function remarks(curve: Curve, cores: number): string[] {
	const steps = curve.series.flatMap((series) => {
		const { step } = verdictOf(curve, series, cores) ?? {};
		return step === undefined ? [] : [`${series.what}, ${series.unit}: ${step}`];
	});
	const unexpected = Object.entries(curve.failed).map(([what, times]) => `unexpected: ${times} × ${what}`);
	return [...steps, ...curve.notes, ...unexpected];
}

/**
 * Draws a curve as an SVG: each figure as a multiple of its value at the first level, over the area that counts as
 * logarithmic.
 */
export function chart(curve: Curve, { begun_at, cores }: Pick<Growth, "begun_at" | "cores">): string {
	const { levels, of, title } = curve;
	const steps = levels.map((level, index) =>
		index === 0 ? 0 : stepOf(curve, levels[index - 1] as number, level),
	);
	const sum = steps.reduce((all, step) => all + step, 0) || 1;
	let at = 0;
	const xs = steps.map((step) => {
		at += step;
		return at / sum;
	});
	const ticks = levels.map((level, index) => ({ x: xs[index] as number, label: count(level) }));
	const panels = UNITS.flatMap(({ unit, title: heading }): Panel[] => {
		const shown = curve.series.filter((series) => series.unit === unit);
		if (shown.length === 0) {
			return [];
		}
		if (unit === "cores") {
			const lines = shown.map((series) => line(series, xs, (value) => value));
			return [{ title: heading, unit: "cores", lines, ticks, top: cores }];
		}
		const lines = shown.map((series) => line(series, xs, (value) => value / (series.values[0] as number)));
		const panel = { title: heading, unit: "ratio to the first level", lines, ticks, top: 2 };
		if (unit === "per second") {
			return [
				{
					...panel,
					ideal: levels.map((level, index) => [xs[index] as number, level / (levels[0] as number)]),
					idealLabel: "proportional to processes",
				},
			];
		}
		// Without the noise, which is a different share of each line.
		const edge = allowed(levels, 1).map((value, index) => value - (index === 0 ? 0 : NOISE_MS));
		const band = edge.map((value, index) => [xs[index] as number, value] as const);
		return [{ ...panel, ...(unit === "kB of WAL" ? {} : { band, bandLabel: "logarithmic" }) }];
	});
	return lineChart(title, `${begun_at.slice(0, 10)}, ${cores} cores, by the number of ${of}`, panels);
}

const UNITS = [
	{ unit: "ms", title: "Time of a request" },
	{ unit: "PostgreSQL ms", title: "Processor time of PostgreSQL for a request" },
	{ unit: "kB of WAL", title: "WAL that PostgreSQL writes for a request" },
	{ unit: "per second", title: "Orders per second" },
	{ unit: "cores", title: "Processors" },
] as const;

function stepOf({ name }: Curve, from: number, to: number): number {
	return name === "processes" ? Math.log2(to / from) : tenfolds(from, to);
}

function line(series: Series, xs: number[], scale: (value: number) => number) {
	const { what, unit, values } = series;
	const last = values.findLast(Number.isFinite) ?? Number.NaN;
	return {
		name: what,
		label: `${what}: ${figure(unit, values[0] as number)} → ${figure(unit, last)}`,
		points: values.map((value, index) => [xs[index] as number, scale(value)] as const),
		isFaint: what === COMPARISON,
	};
}
