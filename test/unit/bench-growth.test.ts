import { expect, test } from "@jest/globals";
import {
	ALL_CORES,
	allowed,
	COMPARISON,
	type Curve,
	judgeRates,
	judgeTimes,
	seriesOf,
	tenfolds,
} from "../../tools/bench/growth/curve.ts";
import { PastOrders } from "../../tools/bench/growth/past-orders.ts";
import { chart, formatCurve, markdown, verdictOf } from "../../tools/bench/growth/report.ts";
import { niceTop, spreadOut } from "../../tools/bench/line-chart.ts";

const LEVELS = [1000, 10_000, 100_000, 1_000_000];

test("tenfolds are counted from level to level; from none to some is one", () => {
	expect(tenfolds(1000, 100_000)).toBeCloseTo(2);
	expect(tenfolds(0, 10_000)).toBe(1);
	expect(tenfolds(200, 1000)).toBeCloseTo(0.699);
});

test("a time that gains the same with each tenfold is logarithmic", () => {
	expect(judgeTimes(LEVELS, [4, 4.9, 5.8, 6.7], "products")).toEqual({ isGood: true, word: "logarithmic" });
});

test("a time that grows with the number is named with the step at which it shows", () => {
	const linear = LEVELS.map((level) => 2 + level / 50_000);
	expect(judgeTimes(LEVELS, linear, "products")).toEqual({
		isGood: false,
		word: "worse",
		step: "worse than logarithmic from 10,000 to 100,000 products: 2.20 → 4.00 ms",
	});
});

test("a step of less than the noise says nothing, however short the time is", () => {
	expect(judgeTimes([0, 10_000], [0.3, 0.55], "orders").isGood).toBe(true);
	expect(judgeTimes([0, 10_000], [0.3, 0.7], "orders").isGood).toBe(false);
});

test("a level that was not measured is passed over", () => {
	expect(judgeTimes([1, 10, 100], [1, Number.NaN, 9], "orders").isGood).toBe(true);
});

test("the area that is good grows by a fixed share of the first value with each tenfold", () => {
	const [first, second, , last] = allowed(LEVELS, 8);
	expect(first).toBe(8);
	expect(second).toBeCloseTo(10.2);
	expect(last).toBeCloseTo(14.2);
});

test("throughput follows the processes, or the cores are the limit", () => {
	expect(judgeRates([1, 2, 4], [500, 900, 1600], [1, 2, 3.2], 8).word).toBe("scales");
	expect(judgeRates([1, 2, 4], [500, 520, 510], [1.9, 2, 2], 2)).toEqual({
		isGood: true,
		word: "cores",
		step: "1 → 2 processes: 1.04 times as many orders; the cores are the limit, 2.0 of 2 used",
	});
	expect(judgeRates([1, 2], [500, 520], [1.5, 1.6], 8)).toEqual({
		isGood: false,
		word: "does not scale",
		step: "1 → 2 processes: 1.04 times as many orders, although 6.4 cores are free",
	});
});

test("figures of several levels become series; one that is missing at a level leaves a gap", () => {
	const figure = (what: string, value: number) => ({ what, unit: "ms" as const, value, isJudged: true });
	const series = seriesOf([[figure("a", 1), figure("b", 2)], [figure("a", 3)]]);
	expect(series).toEqual([
		{ what: "a", unit: "ms", isJudged: true, values: [1, 3] },
		{ what: "b", unit: "ms", isJudged: true, values: [2, Number.NaN] },
	]);
});

test("past orders have ids that are UUIDs of version 4, the same for the same number", () => {
	const past = new PastOrders("/nowhere", [], 7);
	expect(past.idOf(1)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
	expect(past.idOf(1)).toBe(past.idOf(1));
	expect(past.idOf(1)).not.toBe(past.idOf(2));
});

const orders: Curve = {
	...{ name: "orders", title: "Orders in the database", of: "orders", levels: [0, 10_000, 100_000] },
	series: [
		{ what: "a keyed order", unit: "ms", values: [4, 4.4, 12.5], isJudged: true },
		{ what: COMPARISON, unit: "ms", values: [1, 1, 1], isJudged: false },
		{ what: "a keyed order", unit: "PostgreSQL ms", values: [2, 2.1, 2.2], isJudged: true },
	],
	notes: ["the curve ends early"],
	failed: { "order 503 UNAVAILABLE": 2 },
};
const processes: Curve = {
	...{
		name: "processes",
		title: "Processes of orders",
		of: "processes",
		levels: [1, 2],
		notes: [],
		failed: {},
	},
	series: [
		{ what: "orders", unit: "per second", values: [500, 510], isJudged: true },
		{ what: ALL_CORES, unit: "cores", values: [1.95, 2], isJudged: false },
	],
};

test("only figures that are judged get a verdict, and times and rates each by their own rule", () => {
	const [order, comparison, cpu] = orders.series;
	expect(order && verdictOf(orders, order, 2)?.isGood).toBe(false);
	expect(comparison && verdictOf(orders, comparison, 2)).toBeUndefined();
	expect(cpu && verdictOf(orders, cpu, 2)?.word).toBe("logarithmic");
	expect(processes.series[0] && verdictOf(processes, processes.series[0], 2)?.word).toBe("cores");
});

test("where the comparison grows as well, the machine was busy", () => {
	const [order, comparison] = orders.series;
	const busy = { ...orders, series: [order, { ...comparison, values: [1, 1, 3] }] } as Curve;
	expect(order && verdictOf(busy, order, 2)).toMatchObject({ isGood: false, word: "busy" });
});

test("the report has each figure with its ratio to the first level, the notes and what was unexpected", () => {
	const growth = { begun_at: "2026-11-25T12:00:00.000Z", cores: 2, node: "v24", curves: [orders, processes] };
	const text = markdown(growth);
	expect(text).toContain("| a keyed order, ms | 4.00 | 4.40 (1.10) | 12.5 (3.13) | worse |");
	expect(text).toContain("| orders, per second | 500 | 510 (1.02) |");
	expect(text).toContain(
		"> a keyed order, ms: worse than logarithmic from 10,000 to 100,000 orders: 4.40 → 12.5 ms",
	);
	expect(text).toContain("> the curve ends early");
	expect(text).toContain("> unexpected: 2 × order 503 UNAVAILABLE");
	expect(formatCurve(orders, 2)).toMatch(/a keyed order, ms +4\.00 +4\.40 \(1\.10\)/);
});

test("each curve is an SVG with all of its lines", () => {
	for (const curve of [orders, processes]) {
		const svg = chart(curve, { begun_at: "2026-11-25T12:00:00.000Z", cores: 2 });
		expect(svg).toMatch(/^<svg xmlns=/);
		expect(svg).not.toMatch(/NaN|undefined|Infinity/);
		for (const { what } of curve.series) {
			expect(svg).toContain(what);
		}
	}
});

test("labels of lines that end together make room for each other", () => {
	const heights = spreadOut([100, 101, 99, 390], 100);
	const sorted = heights.toSorted((one, other) => one - other);
	for (const [index, height] of sorted.entries()) {
		expect(height - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(17);
	}
	expect(heights.indexOf(sorted[0] as number)).toBe(2);
	expect(Math.max(...heights)).toBeLessThanOrEqual(400);
});

test("an axis ends at a round number", () => {
	expect(niceTop(0.93)).toBeCloseTo(1);
	expect(niceTop(1.05)).toBeCloseTo(1.2);
	expect(niceTop(37)).toBeCloseTo(40);
	expect(niceTop(0)).toBeGreaterThan(0);
});
