import { expect, test } from "@jest/globals";
import { type Sample, ScrapedGauge } from "../../observability/registry.ts";

const gaugeOf = (name: string) => new ScrapedGauge(name, "Help.", ["part"]);
const valuesOf = async ({ gauge }: ScrapedGauge<"part">) =>
	(await gauge.get()).values.map(({ labels, value }) => [labels.part, value]);

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
