import { test } from "@jest/globals";

/** Reports a test that this machine cannot run, on stderr and as a skipped test in the count of the run. */
export function notRun(name: string, why: string): void {
	process.stderr.write(`NOT RUN: ${name}, because ${why}\n`);
	test.skip(`${name}: NOT RUN, because ${why}`, () => undefined);
}
