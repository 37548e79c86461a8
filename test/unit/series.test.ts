import { expect, test } from "@jest/globals";
import { counter, durations } from "../../observability/registry.ts";
import { observeSince } from "../../observability/series.ts";

test("durations of series are counted like others, by labels and bucket", async () => {
	const labelNames = ["method", "status"] as const;
	const usual = durations("usual_seconds", "Help.", labelNames);
	const frequent = durations("frequent_seconds", "Help.", labelNames);
	for (let turn = 0; turn < 200; turn++) {
		const labels = { method: turn % 3 ? "GET" : "POST", status: String(200 + (turn % 2)) };
		// From 0 to 10 s, so that some are above the last bucket, and some at a bound.
		const seconds = turn / 20;
		usual.observe({ labels, value: seconds });
		frequent.series(labels).observe(0, seconds * 1000, undefined);
	}
	const countsOf = async (histogram: typeof usual) => {
		const { values } = await histogram.get();
		return values
			.filter(({ metricName }) => !metricName?.endsWith("_sum"))
			.map(({ labels, value, metricName }) => ({ labels, value, kind: metricName?.split("_seconds_")[1] }));
	};
	const sumOf = async (histogram: typeof usual) => {
		const sums = (await histogram.get()).values.filter(({ metricName }) => metricName?.endsWith("_sum"));
		return sums.reduce((sum, { value }) => sum + value, 0);
	};
	expect(await countsOf(frequent)).toEqual(await countsOf(usual));
	expect((await countsOf(frequent)).length).toBeGreaterThan(20);
	expect(await sumOf(frequent)).toBeCloseTo(await sumOf(usual), 6);
	for (const histogram of [usual, frequent]) {
		histogram.observe({ labels: { method: "GET", status: "200" }, value: 3 });
	}
	frequent.series({ method: "GET", status: "201" }).observe(0, 5000, undefined);
	usual.observe({ labels: { method: "GET", status: "201" }, value: 5 });
	// A second scrape: nothing is counted twice.
	expect(await countsOf(frequent)).toEqual(await countsOf(usual));
	expect(await sumOf(frequent)).toBeCloseTo(await sumOf(usual), 6);
});

test("a bucket of a series names a sampled trace, and another one a second later", async () => {
	const histogram = durations("named_seconds", "Help.", ["status"] as const);
	const known = histogram.series({ status: "200" });
	const observe = (ended: number, trace_id: string, isSampled = true) =>
		known.observe(ended - 2000, ended, { trace_id, span_id: "1", isSampled });
	const named = async () => {
		const { values } = await histogram.get();
		const bucket = values.find(({ labels }) => (labels as { le?: unknown }).le === "+Inf");
		return [
			bucket?.value,
			(bucket as { exemplar?: { labelSet: { trace_id?: string } } }).exemplar?.labelSet.trace_id,
		];
	};
	observe(10_000, "unsampled", false);
	expect(await named()).toEqual([1, undefined]);
	observe(10_001, "first");
	observe(11_000, "second");
	expect(await named()).toEqual([3, "first"]);
	observe(11_002, "third");
	expect(await named()).toEqual([4, "third"]);
});

test("durations of a series, its exemplars, and those that were observed by themselves are one count", async () => {
	const histogram = durations("mixed_seconds", "Help.", ["action", "error_type"] as const);
	const labels = { action: "get" };
	const countsOf = async () =>
		(await histogram.get()).values
			.filter(({ metricName }) => metricName?.endsWith("_count"))
			.map(({ labels: found, value }) => ({ ...found, value }));
	const series = histogram.series(labels);
	expect(histogram.series({ ...labels })).toBe(series);
	expect(await countsOf()).toEqual([]);
	series.observe(0, 5, { trace_id: "1", span_id: "1", isSampled: true });
	observeSince(histogram, labels, performance.now());
	series.observe(0, 5, undefined);
	observeSince(histogram, labels, performance.now(), "TIMED_OUT");
	const all = [
		{ ...labels, value: 3 },
		{ ...labels, error_type: "TIMED_OUT", value: 1 },
	];
	expect(await countsOf()).toEqual(all);
	expect(await countsOf()).toEqual(all);
});

test("the count of a series is added to that of its metric with the next scrape", async () => {
	const served = counter("served_total", "Help.", ["action", "result"] as const);
	const labels = { action: "get", result: "hit" };
	const series = served.series(labels);
	expect(served.series({ ...labels })).toBe(series);
	const countsOf = async () =>
		(await served.get()).values.map(({ labels: found, value }) => ({ ...found, value }));
	expect(await countsOf()).toEqual([]);
	series.inc();
	series.inc();
	series.inc();
	served.inc(labels, 10);
	expect(await countsOf()).toEqual([{ ...labels, value: 13 }]);
	series.inc();
	expect(await countsOf()).toEqual([{ ...labels, value: 14 }]);
	expect(await countsOf()).toEqual([{ ...labels, value: 14 }]);
});
