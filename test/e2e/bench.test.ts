import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { Measured } from "../../tools/bench/measure.ts";
import { type Command, cleanUp, newFolder, run } from "../../tools/shop-process.ts";

let bench: Command | undefined;

afterAll(async () => {
	// Its servers run in their own process groups; it stops them on SIGTERM.
	bench?.child.kill("SIGTERM");
	await bench?.ended();
	await cleanUp();
});

test("the smallest bench runs limit and shop, and counts the rows in their databases", async () => {
	const folder = newFolder();
	const size = ["--shape", "one", "--rounds", "1", "--seconds", "1", "--connections", "1"];
	bench = run(folder, ["bench", "hot", "product", "list", ...size, "--out", folder]);
	const code = await bench.ended();
	const failure = `${bench.output()}\n${bench.errors()}`;
	expect(code === 0 ? "" : failure).toBe("");

	const [shape] = (JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as Measured).shapes;
	expect(shape?.sides.map(({ name }) => name)).toEqual(["limit", "shop"]);
	for (const { orders_answered, orders_stored } of shape?.sides ?? []) {
		expect(orders_stored).toBeGreaterThan(0);
		expect(orders_stored).toBe(orders_answered);
	}
	expect(shape?.samples).toHaveLength(6);
	for (const { turn, per_second, cpu_ms, mails } of shape?.samples ?? []) {
		expect(turn.failed).toEqual({});
		expect(turn.answers).toBe(turn.done);
		expect(per_second).toBeGreaterThan(0);
		expect(Object.values(cpu_ms).some((ms) => ms > 0)).toBe(true);
		expect(mails?.missing ?? 0).toBe(0);
	}
	expect(shape?.sides.at(-1)?.second_start_ms).toBeGreaterThan(0);
	const report = readFileSync(join(folder, "report.md"), "utf8");
	expect(report).toMatch(/\| one product for all \| shop \|/);
	expect(readFileSync(join(folder, "report.svg"), "utf8")).toContain("</svg>");
}, 900_000);
