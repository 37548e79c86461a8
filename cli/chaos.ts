import "./shop/one-line.ts";

import { parseArgs } from "node:util";
import { StartError } from "../infra/parts.ts";
import { runMails } from "../test/chaos/mails.ts";
import { printMails, printReport, printRolling } from "../test/chaos/report.ts";
import { runRolling } from "../test/chaos/rolling.ts";
import { type Report, runChaos } from "../test/chaos/run.ts";
import { fail } from "./shop/one-line.ts";

const USAGE =
	"npm run chaos -- [--minutes 10] [--seed 7] [--store mongo|nedb], npm run chaos -- --mails 10000, or npm run chaos -- --rolling";

/**
 * `npm run chaos`: a cluster under load and faults, or one whose mails are counted, or whose processes are replaced; then
 * an audit. Exit code 1 where a promise was broken.
 */
async function start(): Promise<void> {
	const { minutes, seed, store, mails, rolling } = readOptions();
	const say = (line: string) => console.log(line);
	let report: Pick<Report, "audit" | "violations">;
	if (rolling) {
		const rolled = await runRolling(undefined, say);
		printRolling(rolled);
		report = rolled;
	} else if (mails) {
		const counted = await runMails(mails, seed, say);
		printMails(counted);
		report = counted;
	} else {
		const broken = await runChaos({ minutes, seed, store, say });
		printReport(broken);
		report = broken;
	}
	process.exit(report.violations.length + report.audit.breaches.length > 0 ? 1 : 0);
}

function readOptions() {
	const { values } = parse();
	const minutes = /^(\d{1,4}|\d{1,3}\.\d{1,2})$/.test(values.minutes) ? Number(values.minutes) : Number.NaN;
	const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
	const { store } = values;
	const mails = values.mails === undefined ? 0 : Number(values.mails);
	if (!Number.isSafeInteger(mails) || mails < 0) {
		throw new StartError(`mails must be a whole number: ${USAGE}`);
	}
	if (!(minutes > 0) || !Number.isSafeInteger(seed) || (store !== "mongo" && store !== "nedb")) {
		throw new StartError(
			`minutes must be above 0, such as 1.5, the seed a whole number, the store mongo or nedb: ${USAGE}`,
		);
	}
	return { minutes, seed, store, mails, rolling: values.rolling === true } as const;
}

function parse() {
	try {
		return parseArgs({
			options: {
				minutes: { type: "string", default: "1" },
				seed: { type: "string" },
				mails: { type: "string" },
				rolling: { type: "boolean" },
				store: { type: "string", default: "mongo" },
			},
		});
	} catch (error) {
		throw new StartError(`${(error as Error).message}: ${USAGE}`);
	}
}

await start().catch(fail);
