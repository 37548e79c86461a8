import { expect, test } from "@jest/globals";
import { counter, durations } from "../../observability/registry.ts";
import type { DurationSeries } from "../../observability/series.ts";

test("durations of series are counted like others, by labels and bucket", async () => {
	const labelNames = ["method", "status"] as const;
	const usual = durations("usual_seconds", "Help.", labelNames);
	const frequent = durations("frequent_seconds", "Help.", labelNames);
	const known = new Map<string, DurationSeries<"method" | "status">>();
	for (let turn = 0; turn < 200; turn++) {
		const labels = { method: turn % 3 ? "GET" : "POST", status: String(200 + (turn % 2)) };
		// From 0 to 10 s, so that some are above the last bucket, and some at a bound.
		const seconds = turn / 20;
		usual.observe({ labels, value: seconds });
		const key = Object.values(labels).join();
		const one = known.get(key) ?? frequent.series(labels);
		known.set(key, one);
		one.observe(0, seconds * 1000, undefined);
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
	known.get("GET,201")?.observe(0, 5000, undefined);
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

test("what a series counts between scrapes is added to what its metric counts", async () => {
	const served = counter("served_total", "Help.", ["action", "result"] as const);
	const labels = { action: "get", result: "hit" };
	const series = served.series(labels);
	const same = served.series(labels);
	const countsOf = async () =>
		(await served.get()).values.map(({ labels: found, value }) => ({ ...found, value }));
	expect(await countsOf()).toEqual([]);
	series.inc();
	series.inc();
	same.inc();
	served.inc(labels, 10);
	expect(await countsOf()).toEqual([{ ...labels, value: 13 }]);
	series.inc();
	expect(await countsOf()).toEqual([{ ...labels, value: 14 }]);
	expect(await countsOf()).toEqual([{ ...labels, value: 14 }]);
});
