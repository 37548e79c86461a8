import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import { measureQuery, withoutLiterals } from "../../observability/operations.ts";
import { sampler } from "../../observability/sampling.ts";
import {
	type EndedOperation,
	type EndedSpan,
	randomHex,
	type SpanContext,
	type TraceExporter,
} from "../../observability/spans.ts";
import {
	activeSpans,
	activeTrace,
	activeTraceparent,
	inChildSpan,
	inSpan,
	keepTrace,
	onFailedTrace,
	parseTraceparent,
	recordOperation,
	startSpan,
	traceInto,
	withSpans,
} from "../../observability/tracing.ts";

const exported: EndedSpan[] = [];
const recordInto = (
	isSampled: (trace_id: string, parent: SpanContext | undefined) => boolean,
	takes: TraceExporter["takes"] = () => true,
	options?: Parameters<typeof traceInto>[1],
) =>
	traceInto(
		{
			isSampled,
			takes,
			isDrawn: () => isSampled(randomHex(16), undefined),
			dropped: 0,
			lost: { failed: 0, rejected: 0, queue: 0 },
			export: (span) => exported.push(span),
			stop: async () => undefined,
		},
		options,
	);

beforeEach(() => {
	exported.length = 0;
});
afterEach(() => {
	traceInto(undefined);
	onFailedTrace(() => undefined);
});

const server = { name: "GET /", kind: "server" } as const;
const client = { name: "v1.orders.place", kind: "client" } as const;
const select: EndedOperation = {
	...{ name: "SELECT", kind: "client" as const, attributes: {}, begun: 1, ended: 2 },
	...{ error_type: undefined, hasFailed: false },
};
const names = () => exported.map(({ name }) => name);
const remote = (isSampled: boolean): SpanContext => ({
	...{ trace_id: randomHex(16), span_id: randomHex(8), isSampled },
});

describe("a sampler", () => {
	test.each([
		["always_on", 0, 1000],
		["always_off", 1, 0],
		["parentbased_always_on", 0, 1000],
		["parentbased_always_off", 1, 0],
	])("%s decides about all new traces alike", (name, ratio, expected) => {
		const decide = sampler(name, ratio);
		const sampled = Array.from({ length: 1000 }, () => decide(randomHex(16), undefined)).filter(Boolean);
		expect(sampled).toHaveLength(expected);
	});

	test.each(["traceidratio", "parentbased_traceidratio"])("%s samples its share of the traces", (name) => {
		const decide = sampler(name, 0.1);
		const sampled = Array.from({ length: 20_000 }, () => decide(randomHex(16), undefined)).filter(Boolean);
		// Eight standard deviations of a binomial distribution.
		expect(Math.abs(sampled.length - 2000)).toBeLessThan(8 * Math.sqrt(20_000 * 0.1 * 0.9));
	});

	test.each([0, 0.001, 0.01, 1 / 3, 0.5, 0.999, 1])(
		"samples the same traces as OpenTelemetry's by a ratio of %d",
		(ratio) => {
			const decide = sampler("traceidratio", ratio);
			const reference = new TraceIdRatioBasedSampler(ratio);
			const ids = [
				...["00000001", "ffffffff", "80000000"].map((word) => `${word}${"0".repeat(24)}`),
				...Array.from({ length: 2000 }, () => randomHex(16)),
			];
			const { RECORD_AND_SAMPLED } = SamplingDecision;
			const expected = ids.filter(
				(id) => reference.shouldSample(ROOT_CONTEXT, id).decision === RECORD_AND_SAMPLED,
			);
			expect(ids.filter((id) => decide(id, undefined))).toEqual(expected);
		},
	);

	test.each([
		["parentbased_traceidratio", 0, true, true],
		["parentbased_traceidratio", 1, false, false],
		["parentbased_always_off", 0, true, true],
		["traceidratio", 0, true, false],
		["always_on", 0, false, true],
	])("%s of %d and a parent that is sampled: %s", (name, ratio, parent, expected) => {
		expect(sampler(name, ratio)(randomHex(16), remote(parent))).toBe(expected);
	});
});

describe("the parts of a trace", () => {
	test("are exported with their parents if the trace is sampled, when the local root has ended", async () => {
		recordInto(() => true);
		await inSpan(undefined, server, async () => {
			await inChildSpan(client, async () => undefined);
			expect(names()).toEqual([]);
		});
		const [call, request] = exported;
		expect(names()).toEqual(["v1.orders.place", "GET /"]);
		expect(call?.parent).toBe(request);
		expect(call?.trace_id).toBe(request?.trace_id);
		expect(request?.parent).toBeUndefined();
	});

	test("are not exported if it is not sampled and its request succeeds, whatever failed within", async () => {
		recordInto(() => false);
		await inSpan(undefined, server, () =>
			inChildSpan(client, async () => {
				throw new Error("the first try");
			}).catch(() => undefined),
		);
		expect(names()).toEqual([]);
	});

	test("are exported if its request fails, and other processes are told", async () => {
		const told: string[] = [];
		recordInto(() => false);
		onFailedTrace((trace_id) => told.push(trace_id));
		const failing = inSpan(undefined, server, () =>
			inChildSpan(client, async () => {
				expect(activeTraceparent()).toMatch(/-00$/);
				throw new Error("lost");
			}),
		);
		await expect(failing).rejects.toThrow("lost");
		expect(names()).toEqual(["v1.orders.place", "GET /"]);
		expect(exported.map(({ hasFailed }) => hasFailed)).toEqual([true, true]);
		expect(told).toEqual([exported[0]?.trace_id]);
	});

	test("are not exported if its client was mistaken", async () => {
		recordInto(() => false);
		const mistaken = inSpan(undefined, server, async () => {
			const { problem } = await import("../../contracts/problems.ts");
			throw problem("ORDER_NOT_FOUND");
		});
		await expect(mistaken).rejects.toThrow();
		expect(names()).toEqual([]);
	});

	test("are exported if they succeeded and their request fails later in another process", async () => {
		recordInto(() => false);
		const [failed, other] = [remote(false), remote(false)];
		await inSpan(failed, server, async () => undefined);
		await inSpan(other, server, async () => undefined);
		keepTrace(failed.trace_id);
		expect(exported.map(({ trace_id }) => trace_id)).toEqual([failed.trace_id]);
		// A part that ends after its request has failed.
		await inSpan(failed, server, async () => undefined);
		expect(exported).toHaveLength(2);
	});
});

describe("what a request has caused that succeeded in this process", () => {
	const request = async () => {
		let traceparent: string | undefined;
		await inSpan(undefined, server, async () => {
			traceparent = activeTraceparent();
		});
		return parseTraceparent(traceparent) as SpanContext;
	};
	const process = { name: "process order.placed", kind: "consumer" } as const;

	test("is not recorded if it is not sampled, and passes on its trace", async () => {
		recordInto(() => false);
		const context = await request();
		expect(startSpan(context, process)).toBeUndefined();
		await inSpan(context, process, async () => {
			expect(activeTrace()).toEqual({ trace_id: context.trace_id, span_id: context.span_id });
			recordOperation(activeSpans(), select);
			await inChildSpan(client, async () => {
				expect(activeTraceparent()).toBe(`00-${context.trace_id}-${context.span_id}-00`);
			});
		});
		keepTrace(context.trace_id);
		expect(names()).toEqual([]);
	});

	test("is exported if it is sampled", async () => {
		recordInto(() => true);
		const context = await request();
		await inSpan(context, process, async () => recordOperation(activeSpans(), select));
		expect(names()).toEqual([server.name, "SELECT", process.name]);
	});

	test("does not hide a further request of the same trace, which may fail", async () => {
		recordInto(() => false);
		const context = await request();
		const failing = inSpan(context, { ...server, isEntry: true }, () => Promise.reject(new Error("lost")));
		await expect(failing).rejects.toThrow("lost");
		expect(names()).toEqual([server.name]);
	});
});

test("an operation of a part elsewhere is exported if its request fails later", () => {
	recordInto(() => false);
	const context = remote(false);
	recordOperation([context], select);
	expect(names()).toEqual([]);
	keepTrace(context.trace_id);
	expect(exported.map(({ name, trace_id, parent }) => ({ name, trace_id, parent }))).toEqual([
		{ name: select.name, trace_id: context.trace_id, parent: context },
	]);
});

test.each([
	["parentbased_always_off", false, false],
	["parentbased_always_off", true, true],
	["always_on", false, true],
	["always_off", true, false],
])(
	"a process that hears of no failures, by %s: of a parent that is sampled (%s), parts are recorded: %s",
	async (name, isSampled, isRecorded) => {
		recordInto(sampler(name, 0), undefined, { hearsFailures: false });
		const parent = remote(isSampled);
		expect(startSpan(parent, client) !== undefined).toBe(isRecorded);
		await inSpan(parent, client, async () => {
			expect(activeTrace()?.trace_id).toBe(parent.trace_id);
			recordOperation(activeSpans(), select);
		});
		recordOperation([parent], select);
		keepTrace(parent.trace_id);
		expect(names()).toEqual(isRecorded ? ["SELECT", "v1.orders.place", "SELECT"] : []);
	},
);

test("20,000 spans of parts elsewhere are retained, and the oldest are dropped for later ones", async () => {
	recordInto(() => false);
	const contexts = Array.from({ length: 20_010 }, () => remote(false));
	for (const context of contexts) {
		recordOperation([context], select);
	}
	for (const { trace_id } of contexts) {
		keepTrace(trace_id);
	}
	expect(exported.map(({ trace_id }) => trace_id)).toEqual(
		contexts.slice(10).map(({ trace_id }) => trace_id),
	);
});

test("spans that are no longer retained are freed, also those of batches whose other traces are", async () => {
	setFlagsFromString("--expose-gc");
	const collectGarbage = runInNewContext("gc") as () => void;
	recordInto(() => false);
	const refs: WeakRef<object>[] = [];
	let earlier = remote(false);
	for (let number = 0; number < 15_000; number++) {
		const later = remote(false);
		await inSpan(later, server, async () => {
			const [span] = activeSpans();
			refs.push(new WeakRef(span as object));
			// The batch of each operation has the traces of two requests, so that all batches together connect all traces.
			withSpans([earlier, span as SpanContext], () => measureQuery("toko_orders", "SELECT 1").end());
			earlier = span as SpanContext;
		});
	}
	await new Promise((resolve) => setImmediate(resolve));
	collectGarbage();
	expect(refs.at(0)?.deref()).toBeUndefined();
	expect(refs.at(-1)?.deref()).toBeDefined();
}, 60_000);

describe("work for several traces together", () => {
	test("begins a trace of its own with links, and its operations are in each", async () => {
		recordInto(() => true);
		const producers = [remote(true), remote(true)];
		await withSpans(producers, async () => {
			recordOperation(activeSpans(), select);
			await inChildSpan(client, async () => undefined);
		});
		const ids = producers.map(({ trace_id }) => trace_id);
		const [first, second, call] = exported;
		expect([first?.trace_id, second?.trace_id]).toEqual(ids);
		expect(call?.parent).toBeUndefined();
		expect(call?.links.map(({ trace_id }) => trace_id)).toEqual(ids);
	});
});

test("only one module loads OpenTelemetry's packages, and it runs in a thread of its own", () => {
	const repository = resolve(import.meta.dirname, "../..");
	const sources = globSync("{*.ts,[a-z]*/**/*.ts}", {
		cwd: repository,
		exclude: (path) => /^(node_modules|test)/.test(path),
	});
	const loading = (pattern: RegExp) =>
		sources.filter((file) => pattern.test(readFileSync(resolve(repository, file), "utf8"))).sort();
	expect(loading(/from "@opentelemetry\//)).toEqual(["observability/export-worker.ts"]);
	expect(loading(/^import (?!type).*(export-worker|trace-exporter)/m)).toEqual([]);
	expect(loading(/new Worker\(new URL\("\.\/export-worker\.ts"/)).toEqual([
		"observability/trace-exporter.ts",
	]);
});

test("nothing is recorded without an endpoint", async () => {
	await inSpan(undefined, server, async () => {
		expect(activeTrace()).toBeUndefined();
		expect(activeTraceparent()).toBeUndefined();
		recordOperation(activeSpans(), select);
	});
	expect(exported).toEqual([]);
});

test("the active trace is that of the innermost span", async () => {
	recordInto(() => true);
	await inSpan(undefined, server, async () => {
		const outer = activeTrace();
		await inChildSpan(client, async () => {
			expect(activeTrace()).toMatchObject({ trace_id: outer?.trace_id });
			expect(activeTrace()?.span_id).not.toBe(outer?.span_id);
		});
		expect(activeTrace()).toEqual(outer);
	});
	expect(activeTrace()).toBeUndefined();
});

test("a traceparent is read only in its form", () => {
	const [trace_id, span_id] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
	expect(parseTraceparent(`00-${trace_id}-${span_id}-01`)).toEqual({ trace_id, span_id, isSampled: true });
	expect(parseTraceparent(`00-${trace_id}-${span_id}-02`)).toEqual({ trace_id, span_id, isSampled: false });
	// Later versions may append fields.
	for (const later of [`01-${trace_id}-${span_id}-01`, `fe-${trace_id}-${span_id}-01-what comes later`]) {
		expect(parseTraceparent(later)).toEqual({ trace_id, span_id, isSampled: true });
	}
	for (const wrong of [
		`00-${trace_id}-${"0".repeat(16)}-01`,
		`00-${"0".repeat(32)}-${span_id}-01`,
		`00-${trace_id.toUpperCase()}-${span_id}-01`,
		`00-${trace_id}-${span_id}-01-x`,
		`00-${trace_id}-${span_id}-01-`,
		`00-${trace_id}-${span_id}-01\n`,
		`01-${trace_id}-${span_id}-01x`,
		`ff-${trace_id}-${span_id}-01`,
		"x".repeat(1_000_000),
		7,
		undefined,
	]) {
		expect(parseTraceparent(wrong)).toBeUndefined();
	}
});

test.each([
	["SELECT * FROM users WHERE id = $1 LIMIT 10", "SELECT * FROM users WHERE id = $1 LIMIT ?"],
	["SELECT fold('budi@toko.test'), 'O''Brien', 1.5", "SELECT fold(?), ?, ?"],
	["UPDATE a\n\tSET b2 = 'x -- y' -- budi's", "UPDATE a SET b2 = ?"],
	["SELECT 'never closed", "SELECT ?"],
	["SELECT E'it\\'s budi'", ""],
	["SELECT $tag$budi$tag$", ""],
])("no literal of the statement %j is in a trace", (text, expected) => {
	expect(withoutLiterals(text)).toBe(expected);
});

test("traces for which there is no room are dropped as a whole, but not those that failed", async () => {
	let hasRoom = false;
	recordInto(
		() => true,
		(spans, isFailed) => isFailed || (hasRoom && spans === 2),
	);
	const request = () => inSpan(undefined, server, () => inChildSpan(client, async () => 1));
	await request();
	expect(names()).toEqual([]);
	await expect(inSpan(undefined, server, () => Promise.reject(new Error("broken")))).rejects.toThrow(
		"broken",
	);
	expect(names()).toEqual(["GET /"]);
	hasRoom = true;
	await request();
	expect(names()).toEqual(["GET /", "v1.orders.place", "GET /"]);
});
