import { describe, expect, test } from "@jest/globals";
import { figuresBetween, figuresOf, quantile } from "../../hosting/call-figures.ts";
import type { Sample, Scrape } from "../../hosting/scrapes.ts";

const CALLS = "rpc_server_call_duration_seconds";

/** Returns a scrape of a process that has run an action; `counts` are cumulative, by upper bound in seconds. */
function scrape(counts: Record<string, number>, error_type?: string, started = 1): Scrape {
	const labels = { rpc_method: "v1.orders.place", ...(error_type ? { error_type } : {}) };
	const values: Sample[] = Object.entries(counts).map(([le, value]) => ({
		...{ value, metricName: `${CALLS}_bucket` },
		labels: { ...labels, le: le === "+Inf" ? le : Number(le) },
	}));
	values.push({ value: counts["+Inf"] as number, labels, metricName: `${CALLS}_count` });
	return {
		...{ node: "a", process: "node", services: ["orders"], state: "up", at: 0 },
		metrics: [
			{ name: CALLS, values },
			{ name: "process_start_time_seconds", values: [{ value: started, labels: {} }] },
		],
	};
}

describe("calls of an action on several nodes", () => {
	test("are counted together, and their durations are merged before the percentile is taken", () => {
		const fast = scrape({ 0.1: 990, 1: 990, "+Inf": 990 });
		const slow = scrape({ 0.1: 0, 1: 10, "+Inf": 10 });
		expect(figuresOf([fast, slow]).get("v1.orders.place")).toEqual({ calls: 1000, failed: 0, p99_ms: 100 });
	});

	test.each([
		["OUT_OF_STOCK", 0],
		["CLIENT", 0],
		["REQUEST_TIMEOUT", 25],
		["BUG", 25],
		["UNAVAILABLE", 25],
	])("that end with %s are failures in %d of 100 calls", (error_type, failed) => {
		const good = scrape({ 0.1: 3, "+Inf": 3 });
		const other = scrape({ 0.1: 1, "+Inf": 1 }, error_type);
		expect(figuresOf([good, other]).get("v1.orders.place")).toMatchObject({ calls: 4, failed });
	});
});

describe("calls between two moments", () => {
	test("leave out those before", () => {
		const before = scrape({ 0.1: 0, 1: 100, "+Inf": 100 });
		const after = scrape({ 0.1: 10, 1: 110, "+Inf": 110 });
		const figures = figuresBetween([{ before, after }]).get("v1.orders.place");
		expect(figures).toEqual({ calls: 10, failed: 0, p99_ms: 99 });
	});

	test("of a process that has restarted are all its calls", () => {
		const before = scrape({ 0.1: 100, "+Inf": 100 });
		const after = scrape({ 0.1: 7, "+Inf": 7 }, "", 2);
		expect(figuresBetween([{ before, after }]).get("v1.orders.place")).toMatchObject({ calls: 7 });
	});

	test("are none without calls", () => {
		const same = scrape({ 0.1: 5, "+Inf": 5 });
		expect(figuresBetween([{ before: same, after: same }])).toEqual(new Map());
	});
});

test("a percentile above the highest bound is that bound, and there is none of nothing", () => {
	expect(
		quantile(
			0.99,
			new Map([
				[10, 0],
				[Number.POSITIVE_INFINITY, 5],
			]),
		),
	).toBe(10);
	expect(quantile(0.99, new Map())).toBeUndefined();
});
