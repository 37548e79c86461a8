import "./shop/one-line.ts";

import { parseArgs } from "node:util";
import { measureCosts, printCosts } from "../bench/costs.ts";
import { measureFinding, printFinding, RATIO_MAX } from "../bench/finding.ts";
import { measureStore, printStore } from "../bench/store.ts";
import { StartError } from "../infra/parts.ts";
import { cleanUp } from "../test/e2e/shop-process.ts";
import { fail } from "./shop/one-line.ts";

const USAGE =
	"npm run bench -- finding compares pages of many products with those of few; " +
	"npm run bench -- costs [--rounds 5] [--store mongo|nedb] tells what an order and the like cost, by part; " +
	"npm run bench -- store compares the products' file with one that does not wait for the disk";

const ROUNDS_MAX = 50;

const say = (line: string) => console.log(line);

/** `npm run bench -- NAME`: measures; exit code 1 where something failed or is too slow. */
async function start(): Promise<void> {
	const { name, rounds, store } = readOptions();
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		// The shops are in process groups of their own.
		process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
	}
	const measure = { finding, costs: () => costs(rounds, store), store: durability };
	const isGood = await measure[name]();
	process.exit(isGood ? 0 : 1);
}

/** How much slower pages of 100,000 products are than of 1,000. */
async function finding(): Promise<boolean> {
	const found = await measureFinding(say);
	printFinding(found);
	const slow = found.filter(({ ratio }) => ratio > RATIO_MAX);
	console.log(slow.length === 0 ? `no ratio above ${RATIO_MAX}` : `${slow.length} ratios above ${RATIO_MAX}`);
	return slow.length === 0;
}

/** What the shop's operations cost in processor time and bytes: the figures of docs/scaling.md. */
async function costs(rounds: number, store: "mongo" | "nedb"): Promise<boolean> {
	const found = await measureCosts({ store, rounds }, say);
	printCosts(found);
	return found.failed.size === 0;
}

/** What it costs that products are confirmed only once they are on the disk: the figures of decision 12. */
async function durability(): Promise<boolean> {
	printStore(await measureStore());
	return true;
}

function readOptions() {
	const { values, positionals } = parse();
	const [name, ...others] = positionals;
	const { store } = values;
	const rounds = Number(values.rounds);
	if (
		(name !== "finding" && name !== "costs" && name !== "store") ||
		others.length > 0 ||
		(store !== "mongo" && store !== "nedb") ||
		!(Number.isSafeInteger(rounds) && rounds >= 1 && rounds <= ROUNDS_MAX)
	) {
		throw new StartError(USAGE);
	}
	return { name, rounds, store } as const;
}

function parse() {
	try {
		return parseArgs({
			allowPositionals: true,
			options: {
				rounds: { type: "string", default: "5" },
				store: { type: "string", default: "mongo" },
			},
		});
	} catch (error) {
		throw new StartError(`${(error as Error).message}: ${USAGE}`);
	}
}

await start().catch(fail);
