import { expect, test } from "@jest/globals";
import { chart } from "../../tools/bench/chart.ts";
import type { Measured, Sample } from "../../tools/bench/measure.ts";
import { hasFailures, markdown, warnings } from "../../tools/bench/report.ts";
import { reached, rowsOf } from "../../tools/bench/summary.ts";

function sample(given: Partial<Sample> & Pick<Sample, "side" | "case" | "round" | "per_second">): Sample {
	return {
		turn: { done: 500, answers: 500, orders: 0, elapsed_ms: 1000, p50_ms: 5, p99_ms: 20, failed: {} },
		cpu_ms: { "all in one": 400, PostgreSQL: 100 },
		memory_mb: { "all in one": 120, PostgreSQL: 30 },
		...{ load_cores: 0.1, others_cores: 0, neighbours_cores: 0, stolen_cores: 0 },
		...given,
	};
}

function measured(samples: Sample[], sides: object = {}): Measured {
	const side = (name: string, kind: "limit" | "shop") => ({
		...{ name, kind, ready_ms: 2000, idle_cpu: { PostgreSQL: 4 }, idle_memory_mb: { PostgreSQL: 30 } },
		...{ idle_commits: 2, orders_answered: 10, orders_stored: 10, ...sides },
	});
	return {
		options: {
			...{ cases: ["order", "sold-out"], shapes: ["one"], rounds: 3, seconds: 5, sustained_seconds: 60 },
			...{ connections: 32, isNat: false, profiles: undefined, results: "/tmp", own_directory: "/tmp" },
			shops: [{ name: "a & b", directory: "/tmp/a" }],
		},
		...{ begun_at: "2026-11-25T12:00:00.000Z", ended_at: "2026-11-25T12:10:00.000Z", cores: 2, node: "v24" },
		warnings: [],
		shapes: [{ shape: "one", sides: [side("limit", "limit"), side("a & b", "shop")], samples }],
	};
}

const rounds = [
	[1000, 100],
	[100, 50],
	[1000, 200],
].flatMap(([limit = 0, shop = 0], index) => [
	sample({ side: "limit", case: "order", round: index + 1, per_second: limit }),
	sample({ side: "a & b", case: "order", round: index + 1, per_second: shop }),
]);

test("a ratio is the median of the rounds' ratios, so that a slow minute slows both", () => {
	const [limit, shop] = rowsOf(measured(rounds).shapes[0] as never);
	expect(limit).toMatchObject({ per_second: 1000, kind: "limit" });
	expect(limit?.ratio).toBeUndefined();
	expect(shop).toMatchObject({ per_second: 100, ratio: 0.2, cpu_ratio: 1, goal: 0.5, cpu_all: 1000 });
});

test("refusals are compared with the shop's own orders", () => {
	const refusals = [sample({ side: "a & b", case: "sold-out", round: 1, per_second: 150 })];
	const rows = rowsOf(measured([...rounds, ...refusals]).shapes[0] as never);
	const row = rows.find(({ case: name }) => name === "sold-out");
	expect(row).toMatchObject({ goal: 1, goal_of: "its orders" });
	expect(row && reached(row, rows)).toBe(1.5);
});

test("commits are counted per order, in the round that waited for them", () => {
	const postgres = { commits: 5000, writes: 1000, wal_bytes: 1_024_000 };
	const counted = sample({ side: "a & b", case: "order", round: 3, per_second: 200, postgres });
	const text = markdown(measured([...rounds.slice(0, 5), counted]));
	expect(text).toContain("| order | a & b | 10.00 | 2.00 | 0.20 | 2.0 |");
});

test("the report names every unexpected answer, and the bench fails", () => {
	expect(hasFailures(measured(rounds))).toBe(false);
	const failing = sample({ side: "a & b", case: "order", round: 3, per_second: 200 });
	failing.turn.failed = { "order 503 SERVICE_UNAVAILABLE": 3 };
	const given = measured([...rounds.slice(0, 5), failing]);
	expect(hasFailures(given)).toBe(true);
	expect(markdown(given)).toContain("- order, a & b: 3 × order 503 SERVICE_UNAVAILABLE");
});

test("orders that are not in the database are a failure", () => {
	const given = measured(rounds, { orders_stored: 9 });
	expect(hasFailures(given)).toBe(true);
	expect(warnings(given)).toContain("a & b: 10 orders returned 201, but 9 are in the database.");
});

test("the report warns of a busy machine and of mails that are missing", () => {
	const mails = {
		missing: 2,
		doubled: 0,
		drained_ms: 9,
		completed: 8,
		until_last_mail_ms: 9,
		p50_ms: 1,
		p99_ms: 2,
	};
	const busy = sample({ side: "a & b", case: "order", round: 3, per_second: 200, others_cores: 1.4, mails });
	const given = measured([...rounds.slice(0, 5), busy]);
	expect(warnings(given)).toEqual([
		expect.stringMatching(/used the machine in 1 of 6 turns \(up to 1\.4 cores\)/),
		"a & b, order, round 3: 2 mails are missing and 0 arrived twice.",
	]);
	expect(hasFailures(given)).toBe(true);
});

test("every row of every table has as many cells as its header", () => {
	const cells = (line: string) => line.split(" | ").length;
	const lines = markdown(measured(rounds)).split("\n");
	for (const [index, line] of lines.entries()) {
		if (line.startsWith("|") && lines[index - 1]?.startsWith("|")) {
			expect(`${cells(line)}: ${line}`).toBe(`${cells(lines[index - 1] as string)}: ${line}`);
		}
	}
});

test("the chart is an SVG with every bar, its texts escaped", () => {
	const svg = chart(measured(rounds));
	expect(svg).toMatch(/^<svg xmlns=/);
	expect(svg).toContain("a &amp; b");
	expect(svg).toContain("100/s of 1,000/s");
	expect(svg).not.toMatch(/NaN|undefined/);
});
