import "./shop/one-line.ts";

import { measureCosts, printCosts } from "../bench/costs.ts";
import { measureFinding, printFinding, RATIO_MAX } from "../bench/finding.ts";
import { measureStore, printStore } from "../bench/store.ts";
import { StartError } from "../infra/parts.ts";
import { cleanUp } from "../test/e2e/shop-process.ts";
import { readArguments, usage } from "./arguments.mjs";
import { interruption } from "./shop/interruption.ts";
import { fail } from "./shop/one-line.ts";

const ROUNDS_MAX = 50;

const say = (line: string) => console.log(line);

/** `npm run bench -- NAME`: measures; exit code 1 where something failed or is too slow. */
async function start(): Promise<void> {
	const { name, rounds, store } = readOptions();
	const measure = { finding, costs: () => costs(rounds, store), store: durability };
	const interrupted = interruption();
	try {
		const isGood = await Promise.race([measure[name](), interrupted]);
		process.exitCode = isGood ? 0 : 1;
	} finally {
		await cleanUp();
	}
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
	const { values, positionals } = readArguments("bench");
	const [name, ...others] = positionals;
	const { rounds = "5", store = "mongo" } = values;
	if ((name !== "finding" && name !== "costs" && name !== "store") || others.length > 0) {
		throw new StartError(`name one measurement: ${usage("bench")}`);
	}
	const [option] = Object.keys(values);
	if (option !== undefined && name !== "costs") {
		throw new StartError(`--${option} is for costs only: ${usage("bench")}`);
	}
	if (store !== "mongo" && store !== "nedb") {
		throw new StartError(`the store must be mongo or nedb: ${usage("bench")}`);
	}
	if (!/^\d{1,2}$/.test(rounds) || Number(rounds) < 1 || Number(rounds) > ROUNDS_MAX) {
		throw new StartError(`rounds must be a whole number from 1 to ${ROUNDS_MAX}: ${usage("bench")}`);
	}
	return { name, rounds: Number(rounds), store } as const;
}

await start().catch(fail);
process.exit();
