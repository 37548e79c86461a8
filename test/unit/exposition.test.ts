import { expect, test } from "@jest/globals";
import { exposition } from "../../observability/exposition.ts";
import { counter, durations, ScrapedGauge } from "../../observability/registry.ts";

const requests = durations("test_duration_seconds", "A test.", ["route"]);
const failures = counter("test_failures_total", "A test.", ["code"]);
const gauge = new ScrapedGauge("test_queue", "A test.", ["queue"]);

failures.inc({ code: 'a "quoted"\nline \\' }, 2);
requests.observe({
	labels: { route: "/one" },
	value: 0.02,
	exemplarLabels: { trace_id: "4bf92f35" } as never,
});

const PLAIN = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** As Prometheus 2 asks. */
const PROMETHEUS =
	"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

test.each([
	[undefined, PLAIN],
	["*/*", PLAIN],
	["text/plain", PLAIN],
	["image/png", PLAIN],
	[PROMETHEUS, OPEN_METRICS],
	["application/json", "application/json; charset=utf-8"],
])("an Accept of %s gets %s", async (accept, type) => {
	expect((await exposition(accept)).type).toBe(type);
});

test("counters have the same name in every format, and only OpenMetrics has exemplars and an end", async () => {
	const open = await exposition(PROMETHEUS);
	const plain = await exposition(undefined);
	const line = 'test_failures_total{code="a \\"quoted\\"\\nline \\\\"} 2';
	for (const { text } of [open, plain, await exposition(undefined)]) {
		expect(text.split("\n")).toContain(line);
	}
	expect(open.text).toContain("# TYPE test_failures counter\n");
	expect(plain.text).toContain("# TYPE test_failures_total counter\n");
	expect(plain.text).not.toContain("# TYPE test_failures counter\n");
	const bucket = 'test_duration_seconds_bucket{le="0.025",route="/one"} 1';
	expect(open.text).toMatch(/^test_duration_seconds_bucket.* # \{trace_id="4bf92f35"\} 0\.02 \d+/m);
	expect(open.text).toMatch(/\n# EOF\n$/);
	expect(plain.text.split("\n")).toContain(bucket);
	expect(plain.text).not.toMatch(/trace_id|# EOF/);
});

test("a gauge sums its sources, and leaves out those that fail, are late or were removed", async () => {
	const values = async () => {
		const { values: found } = await gauge.gauge.get();
		return Object.fromEntries(found.map(({ labels, value }) => [labels.queue, value]));
	};
	gauge.add(() => [[{ queue: "mails" }, 2]]);
	const remove = gauge.add(async () => [
		[{ queue: "mails" }, 3],
		[{ queue: "jobs" }, 1],
	]);
	gauge.add(() => Promise.reject(new Error("the database is away")));
	gauge.add(() => {
		throw new Error("a bug");
	});
	gauge.add(() => new Promise(() => undefined));
	expect(await values()).toEqual({ mails: 5, jobs: 1 });
	remove();
	expect(await values()).toEqual({ mails: 2 });
});

test("a gauge without labels has no value while it has no source", async () => {
	const age = new ScrapedGauge("test_age_seconds", "A test.", []);
	expect((await exposition(PROMETHEUS)).text).not.toMatch(/^test_age_seconds/m);
	expect((await age.gauge.get()).values).toEqual([]);
	age.add(() => [[{}, 7]]);
	expect((await age.gauge.get()).values).toEqual([{ labels: {}, value: 7 }]);
});
