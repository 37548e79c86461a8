import "./startup/startup-checks.ts";

import { resolve } from "node:path";
import { fail } from "../hosting/fatal-error.ts";
import { interruption } from "../hosting/interruption.ts";
import type { MainOptions, readOptions, SpecialOptions } from "../tools/bench/options.ts";
import { readArguments } from "./arguments.mjs";

const print = (line: string) => console.log(line);

/** `npm run bench`: runs benchmarks; exit code 1 if something failed or is too slow. */
async function start(): Promise<void> {
	const { readOptions } = await import("../tools/bench/options.ts");
	const { cleanUp } = await import("../tools/shop-process.ts");
	const options = readOptions(readArguments("bench"), resolve(import.meta.dirname, ".."));
	const interrupted = interruption();
	try {
		const work = run(options, interrupted);
		// An interruption ends the memory measurement early, and its results so far are reported.
		const isGood = await (options.special === "memory" ? work : Promise.race([work, interrupted]));
		process.exitCode = isGood ? 0 : 1;
	} finally {
		await cleanUp();
	}
}

function run(options: ReturnType<typeof readOptions>, interrupted: Promise<never>): Promise<boolean> {
	switch (options.special) {
		case undefined:
			return compareWithLimits(options.main);
		case "finding":
			return finding();
		case "costs":
			return costs(options.rounds, options.store);
		case "holds":
			return holds(options.directory);
		case "store":
			return durability();
		case "growth":
			return growth(options);
		case "memory":
			return memory(options, interrupted);
		case "observability":
			return observability(options);
		case "checkout":
			return checkout(options);
	}
}

/** Measures the shop and the hand-written programs: the reports of `bench/results/`. */
async function compareWithLimits(options: MainOptions): Promise<boolean> {
	const { measure } = await import("../tools/bench/measure.ts");
	const { hasFailures, writeReports } = await import("../tools/bench/report.ts");
	const measured = await measure(options, print);
	print(`\n${await writeReports(measured)}`);
	return !hasFailures(measured);
}

/** Measures how much slower pages of 100,000 products are than pages of 1,000. */
async function finding(): Promise<boolean> {
	const { measureFinding, printFinding, RATIO_MAX } = await import("../tools/bench/finding.ts");
	const found = await measureFinding(print);
	printFinding(found);
	const slow = found.filter(({ ratio }) => ratio > RATIO_MAX);
	console.log(slow.length === 0 ? `no ratio above ${RATIO_MAX}` : `${slow.length} ratios above ${RATIO_MAX}`);
	return slow.length === 0;
}

/** Measures the processor time and bytes of the shop's operations: the figures of docs/how-to/scale.md. */
async function costs(rounds: number, store: "mongo" | "nedb"): Promise<boolean> {
	const { measureCosts } = await import("../tools/bench/costs.ts");
	const { printCosts } = await import("../tools/bench/costs-report.ts");
	const found = await measureCosts({ store, rounds }, print);
	printCosts(found);
	return found.failed.size === 0;
}

/** Measures how much slower a product with 10,000 open holds is. */
async function holds(directory: string): Promise<boolean> {
	const { HOLDS_RATIO_MAX, measureHolds } = await import("../tools/bench/holds.ts");
	const found = await measureHolds(directory, print);
	const slow = found.filter(
		({ read_ratio, order_ratio }) => Math.max(read_ratio, order_ratio) > HOLDS_RATIO_MAX,
	);
	print(
		slow.length === 0 ? `no ratio above ${HOLDS_RATIO_MAX}` : `${slow.length} lines above ${HOLDS_RATIO_MAX}`,
	);
	return slow.length === 0;
}

/** Measures the cost of confirming a product only once it is on the disk: the figures of decision 12. */
async function durability(): Promise<boolean> {
	const { measureStore, printStore } = await import("../tools/bench/store.ts");
	printStore(await measureStore());
	return true;
}

/** Measures how the shop slows down as products, open holds and orders grow. */
async function growth(options: SpecialOptions): Promise<boolean> {
	const { hasUnexpected, measureGrowth } = await import("../tools/bench/growth.ts");
	return !hasUnexpected(await measureGrowth(options.growth, print));
}

/** Measures what metrics, logs and traces cost. */
async function observability({ directory, rounds }: SpecialOptions): Promise<boolean> {
	const { ALL_MIN, measureObservability, ONE_PERCENT_MIN } = await import("../tools/bench/observability.ts");
	const failed = new Map<string, number>();
	const { throughput, scrape } = await measureObservability({ directory, rounds }, print, failed);
	print(
		`a scrape during orders takes ${scrape.p50_ms.toFixed(1)} ms (${scrape.bytes} bytes, ${scrape.series} series), ` +
			`a health check at the same time ${scrape.health_p50_ms.toFixed(1)} ms; ${scrape.dropped} traces were dropped`,
	);
	const slow = throughput.filter(
		({ one_percent, all }) => one_percent.total < ONE_PERCENT_MIN || all.total < ALL_MIN,
	);
	print(
		slow.length === 0
			? `no ratio below ${ONE_PERCENT_MIN} with 1 % of the traces, or ${ALL_MIN} with all`
			: `${slow.length} lines below ${ONE_PERCENT_MIN} with 1 % of the traces, or ${ALL_MIN} with all`,
	);
	return slow.length === 0 && failed.size === 0;
}

/** Measures what voucher, shipping and tax add to the cost of an order. */
async function checkout({ directory, rounds }: SpecialOptions): Promise<boolean> {
	const { COST_MAX, HOT_MIN, measureCheckout } = await import("../tools/bench/checkout.ts");
	const failed = new Map<string, number>();
	const { cost, hot } = await measureCheckout({ directory, rounds }, print, failed);
	const isGood = cost <= COST_MAX && hot >= HOT_MIN;
	print(
		isGood
			? `at most ${COST_MAX}, and at least ${HOT_MIN.toFixed(2)}`
			: `not at most ${COST_MAX}, or not at least ${HOT_MIN.toFixed(2)}`,
	);
	return isGood && failed.size === 0;
}

/** Measures whether processes leak memory under steady load. */
async function memory({ minutes, directory, results }: SpecialOptions, interrupted: Promise<never>) {
	const { measureMemory } = await import("../tools/bench/memory.ts");
	const { formatMemory, writeMemory } = await import("../tools/bench/memory-report.ts");
	const measured = await measureMemory({ minutes, directory }, interrupted, print);
	print(`\n${formatMemory(measured)}`);
	print(`written: ${await writeMemory(results, measured)}`);
	// Rejects if the measurement was interrupted.
	await Promise.race([interrupted, Promise.resolve()]);
	return Object.keys(measured.failed).length === 0;
}

await start().catch(fail);
process.exit();
