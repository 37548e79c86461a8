import "./startup/startup-checks.ts";

import { fail } from "../hosting/fatal-error.ts";
import type { Configuration, Fault } from "../model/configurations.ts";
import type { Checker, Counterexample } from "../model/spin.ts";
import { readArguments } from "./arguments.mjs";

const NOT_RUN = 2;

/**
 * `npm run model`: checks the model of docs/explanation/protocol.md, and that it detects deliberate mistakes; `--steps`
 * prints the steps to each. Exit code 1 if a check fails, 2 if there is no checker.
 */
async function start(): Promise<void> {
	const { small = false, steps = false } = readArguments("model").values;
	const { findChecker } = await import("../model/spin.ts");
	const { CONFIGURATIONS, FAULTS } = await import("../model/configurations.ts");
	const checker = await findChecker();
	if (!checker) {
		console.error(
			"NOT RUN: the model needs Spin and a C compiler: apt-get install spin gcc, or https://spinroot.com",
		);
		process.exit(NOT_RUN);
	}
	console.log(`${checker.version}, all states: every promise is kept, and the shop comes to rest`);
	let failures = 0;
	for (const configuration of CONFIGURATIONS.filter(({ isSmall }) => isSmall || !small)) {
		failures += await checkConfiguration(checker, configuration);
	}
	console.log("injected faults, each of which must be found");
	for (const fault of FAULTS) {
		failures += await checkFault(checker, fault, steps);
	}
	console.log(failures === 0 ? "ok" : `${failures} checks failed`);
	process.exit(failures === 0 ? 0 : 1);
}

async function checkConfiguration(checker: Checker, { name, defines }: Configuration): Promise<number> {
	const { check } = await import("../model/spin.ts");
	const { states, seconds, memory_mb, counterexample } = await check(checker, defines, "all");
	const cost = `${states.toLocaleString("en")} states, ${seconds.toFixed(1)} s, ${memory_mb.toFixed(0)} MB`;
	console.log(`  ${counterexample ? "FAILED" : "ok"}: ${name}: ${cost} (${defines.join(" ")})`);
	if (counterexample) {
		print(counterexample);
	}
	return counterexample ? 1 : 0;
}

async function checkFault(checker: Checker, fault: Fault, showsSteps: boolean): Promise<number> {
	const { macro, name, defines, isLivelock } = fault;
	const search = isLivelock ? "all" : "shortest";
	const { check } = await import("../model/spin.ts");
	const { counterexample } = await check(checker, [...defines, `FAULT_${macro}`], search);
	if (!counterexample) {
		console.log(`  NOT FOUND: ${name} (FAULT_${macro})`);
		return 1;
	}
	console.log(`  found: ${name} (FAULT_${macro}), after ${counterexample.steps.length} steps`);
	if (showsSteps) {
		print(counterexample);
	}
	return 0;
}

function print({ broken, steps }: Counterexample): void {
	for (const step of steps) {
		console.log(`      ${step}`);
	}
	console.log(`      broken: ${broken}`);
}

await start().catch(fail);
