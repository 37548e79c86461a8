import { expect, test } from "@jest/globals";
import { gainOf, type Memory } from "../../tools/bench/memory.ts";
import { formatMemory, memoryChart, memoryMarkdown } from "../../tools/bench/memory-report.ts";

test("the last fifth is compared with the second one: what a process takes while it warms up is no gain", () => {
	const gain = gainOf([50, 80, 100, 102, 101, 103, 102, 104, 105, 103]);
	expect(gain).toMatchObject({ warm_mb: 101, last_mb: 104, isFlat: true });
	expect(gain?.share).toBeCloseTo(0.0297);
});

test("more than a tenth is not flat, less memory is", () => {
	expect(gainOf([1, 1, 100, 100, 1, 1, 1, 1, 112, 112])?.isFlat).toBe(false);
	expect(gainOf([1, 1, 100, 100, 1, 1, 1, 1, 60, 60])?.isFlat).toBe(true);
});

test("one high value in a fifth decides nothing", () => {
	const fifth = [100, 100, 100];
	expect(gainOf([...fifth, ...fifth, ...fifth, ...fifth, 100, 900, 100])?.isFlat).toBe(true);
});

test("there is no verdict on too few values, or on none", () => {
	expect(gainOf([1, 2, 3, 4])).toBeUndefined();
	expect(gainOf(Array.from({ length: 10 }, () => Number.NaN))).toBeUndefined();
});

const measured: Memory = {
	...{
		begun_at: "2026-11-25T12:00:00.000Z",
		cores: 2,
		node: "v24",
		minutes: 30,
		answers: 180_000,
		failed: {},
	},
	at_minutes: Array.from({ length: 10 }, (_, index) => 3 * (index + 1)),
	lines: [
		{ part: "orders", own_mb: [90, 95, 100, 100, 130, 130, 130, 130, 140, 140], heap_mb: Array(10).fill(40) },
		{ part: "NATS", own_mb: Array(10).fill(30), heap_mb: Array(10).fill(Number.NaN) },
	],
};

test("the report has a verdict on each process, and the heap of those that have one", () => {
	const text = memoryMarkdown(measured);
	expect(text).toContain("| orders | 100.0 | 140.0 | +40.0 % | 40.0 | 40.0 | grows |");
	expect(text).toContain("| NATS | 30.0 | 30.0 | +0.0 % |  |  | flat |");
	expect(formatMemory(measured)).toMatch(/orders +100\.0 +140\.0 +\+40\.0 % /);
});

test("what was interrupted says how far it got", () => {
	const text = memoryMarkdown({ ...measured, minutes: 60 });
	expect(text).toContain("30.0 of 60 minutes of about 100 requests per second");
});

test("the chart has a line for each process, in two diagrams", () => {
	const svg = memoryChart(measured);
	expect(svg).toContain("orders: 140 MB");
	expect(svg).toContain("orders: 40 MB");
	expect(svg).toContain("NATS: 30 MB");
	expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
