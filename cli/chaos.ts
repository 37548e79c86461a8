import "./startup/startup-checks.ts";

import { fail } from "../hosting/fatal-error.ts";
import { interruption } from "../hosting/interruption.ts";
import { StartError } from "../infra/backing-services.ts";
import type { Report } from "../tools/chaos/run.ts";
import { readArguments, usage } from "./arguments.mjs";

/**
 * `npm run chaos`: runs a cluster under load and faults, or counts its mails, or replaces its processes; then audits
 * it. Exit code 1 if a guarantee was violated or the run was interrupted.
 */
async function start(): Promise<void> {
	const { minutes, seed, store, mails, rolling } = readOptions();
	const stage = { log: (line: string) => console.log(line), interrupted: interruption() };
	const { printMails, printReport, printRolling } = await import("../tools/chaos/report.ts");
	let report: Pick<Report, "audit" | "violations">;
	if (rolling) {
		const { runRolling } = await import("../tools/chaos/rolling.ts");
		const rolled = await runRolling(stage);
		printRolling(rolled);
		report = rolled;
	} else if (mails) {
		const { runMails } = await import("../tools/chaos/mails.ts");
		const counted = await runMails({ events: mails, seed, ...stage });
		printMails(counted);
		report = counted;
	} else {
		const { runChaos } = await import("../tools/chaos/run.ts");
		const broken = await runChaos({ minutes, seed, store, ...stage });
		printReport(broken);
		report = broken;
	}
	process.exit(report.violations.length + report.audit.breaches.length > 0 ? 1 : 0);
}

function readOptions() {
	const { values } = readArguments("chaos");
	const { minutes = "1", seed = String(Math.floor(Math.random() * 1_000_000)), store = "mongo" } = values;
	const counts = values.mails !== undefined;
	const taken = values.rolling ? ["rolling"] : counts ? ["mails", "seed"] : ["minutes", "seed", "store"];
	const useless = Object.keys(values).find((name) => !taken.includes(name));
	if (useless !== undefined) {
		throw new StartError(`--${useless} has no effect with --${taken[0]}: ${usage("chaos")}`);
	}
	if (values.mails !== undefined && !/^[1-9]\d{0,6}$/.test(values.mails)) {
		throw new StartError(`mails must be a whole number above 0: ${usage("chaos")}`);
	}
	const isNumber = /^(\d{1,4}|\d{1,3}\.\d{1,2})$/.test(minutes) && Number(minutes) > 0;
	if (!isNumber || !/^\d{1,15}$/.test(seed) || (store !== "mongo" && store !== "nedb")) {
		throw new StartError(
			`minutes must be above 0, such as 1.5, the seed a whole number, the store mongo or nedb: ${usage("chaos")}`,
		);
	}
	const mails = Number(values.mails ?? 0);
	return {
		minutes: Number(minutes),
		seed: Number(seed),
		store,
		mails,
		rolling: values.rolling === true,
	} as const;
}

await start().catch(fail);
