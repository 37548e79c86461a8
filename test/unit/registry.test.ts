import { expect, test } from "@jest/globals";
import { durations, KnownDurations, type Sample, ScrapedGauge } from "../../observability/registry.ts";

const gaugeOf = (name: string) => new ScrapedGauge(name, "Help.", ["part"]);
const valuesOf = async ({ gauge }: ScrapedGauge<"part">) =>
	(await gauge.get()).values.map(({ labels, value }) => [labels.part, value]);

test("durations with known labels are counted like others, by labels and bucket", async () => {
	const labelNames = ["method", "status"] as const;
	const usual = durations("usual_seconds", "Help.", labelNames);
	const frequent = durations("frequent_seconds", "Help.", labelNames);
	const known = new Map<string, KnownDurations<"method" | "status">>();
	for (let turn = 0; turn < 200; turn++) {
		const labels = { method: turn % 3 ? "GET" : "POST", status: String(200 + (turn % 2)) };
		// From 0 to 10 s, so that some are above the last bucket, and some at a bound.
		const seconds = turn / 20;
		usual.observe({ labels, value: seconds });
		const key = Object.values(labels).join();
		const one = known.get(key) ?? new KnownDurations(frequent, labels);
		known.set(key, one);
		one.observe(0, seconds * 1000, undefined);
	}
	const countsOf = async (histogram: typeof usual) => {
		const { values } = await histogram.get();
		return values
			.filter(({ metricName }) => !metricName?.endsWith("_sum"))
			.map(({ labels, value, metricName }) => ({ labels, value, kind: metricName?.split("_seconds_")[1] }));
	};
	expect(await countsOf(frequent)).toEqual(await countsOf(usual));
	expect((await countsOf(frequent)).length).toBeGreaterThan(20);
});

test("a bucket of known labels names a sampled trace, and another one a second later", async () => {
	const histogram = durations("named_seconds", "Help.", ["status"] as const);
	const known = new KnownDurations(histogram, { status: "200" });
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

test("a source that fails has no values, and other sources have theirs", async () => {
	const gauge = gaugeOf("failing_source");
	gauge.add(async () => Promise.reject(new Error("the database is away")));
	gauge.add(() => [[{ part: "other" }, 1]]);
	expect(await valuesOf(gauge)).toEqual([["other", 1]]);
});

test("a source that is slow gives its value of before; once it was slow, it is not waited for", async () => {
	const gauge = gaugeOf("slow_source");
	const answers: ((samples: Sample<"part">[]) => void)[] = [];
	let value = 1;
	let isSlow = false;
	gauge.add(async () =>
		isSlow ? new Promise((resolve) => answers.push(resolve)) : [[{ part: "queue" }, value]],
	);
	expect(await valuesOf(gauge)).toEqual([["queue", 1]]);
	isSlow = true;
	expect(await valuesOf(gauge)).toEqual([["queue", 1]]);
	expect(await valuesOf(gauge)).toEqual([["queue", 1]]);
	expect(answers).toHaveLength(1);
	answers[0]?.([[{ part: "queue" }, 2]]);
	await new Promise(setImmediate);
	isSlow = false;
	value = 3;
	// Not waited for, since it was slow; the value is that of the last time.
	expect(await valuesOf(gauge)).toEqual([["queue", 2]]);
	expect(await valuesOf(gauge)).toEqual([["queue", 3]]);
});

test("a value in memory is never that of an earlier scrape, however long other sources take", async () => {
	const gauge = gaugeOf("memory_source");
	let value = 0;
	gauge.add(() => [[{ part: "memory" }, ++value]]);
	gauge.add(async () => {
		const end = performance.now() + 10;
		while (performance.now() < end) {
			// The process is busy.
		}
		return [[{ part: "database" }, 1]];
	});
	for (let scrape = 1; scrape <= 3; scrape++) {
		expect(await valuesOf(gauge)).toContainEqual(["memory", scrape]);
	}
});

test("a source that fails, at once or late, has its values again in the first scrape after it", async () => {
	let isFailing = true;
	const fail = () => {
		throw new Error("the database is away");
	};
	const gauge = gaugeOf("recovering_source");
	gauge.add(() => (isFailing ? fail() : [[{ part: "at once" }, 1]]));
	gauge.add(async () => {
		if (isFailing) {
			await new Promise((resolve) => setTimeout(resolve, 10));
			fail();
		}
		return [[{ part: "late" }, 2]];
	});
	expect(await valuesOf(gauge)).toEqual([]);
	isFailing = false;
	expect(await valuesOf(gauge)).toEqual([
		["at once", 1],
		["late", 2],
	]);
});

test("a source that never responds has no values, and does not keep the others away", async () => {
	const gauge = gaugeOf("hanging_source");
	gauge.add(() => new Promise(() => undefined));
	gauge.add(() => [[{ part: "other" }, 1]]);
	expect(await valuesOf(gauge)).toEqual([["other", 1]]);
});
