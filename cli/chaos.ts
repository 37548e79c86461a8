import "./shop/one-line.ts";

import { parseArgs } from "node:util";
import { StartError } from "../infra/parts.ts";
import { printReport } from "../test/chaos/report.ts";
import { runChaos } from "../test/chaos/run.ts";
import { fail } from "./shop/one-line.ts";

const USAGE = "npm run chaos -- [--minutes 10] [--seed 7] [--store mongo|nedb]";

/** `npm run chaos`: a cluster under load and faults, then an audit; exit code 1 where a promise was broken. */
async function start(): Promise<void> {
	const { minutes, seed, store } = readOptions();
	const report = await runChaos({ minutes, seed, store, say: (line) => console.log(line) });
	printReport(report);
	process.exit(report.violations.length + report.audit.breaches.length > 0 ? 1 : 0);
}

function readOptions() {
	const { values } = parse();
	const minutes = Number(values.minutes);
	const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
	const { store } = values;
	if (!(minutes > 0) || !Number.isSafeInteger(seed) || (store !== "mongo" && store !== "nedb")) {
		throw new StartError(
			`minutes must be above 0, the seed a whole number, the store mongo or nedb: ${USAGE}`,
		);
	}
	return { minutes, seed, store } as const;
}

function parse() {
	try {
		return parseArgs({
			options: {
				minutes: { type: "string", default: "1" },
				seed: { type: "string" },
				store: { type: "string", default: "mongo" },
			},
		});
	} catch (error) {
		throw new StartError(`${(error as Error).message}: ${USAGE}`);
	}
}

await start().catch(fail);
