import { existsSync } from "node:fs";
import { join } from "node:path";
import Sequencer from "@jest/test-sequencer";

/** Files that take longest, the longest first. Jest knows the durations of an earlier run, but a fresh clone has none. */
const LONGEST = [
	"e2e/clocks",
	"e2e/faults",
	"e2e/observability",
	"e2e/processes",
	"e2e/chaos",
	"e2e/model",
	"integration/hold-pages",
	"integration/restored",
	"e2e/image",
	"e2e/bench",
	"e2e/closed-output",
	"e2e/traces",
	"integration/audit-supply",
];

/**
 * Starts the longest files first, then all tests of whole processes, then the others: at the end a long file would leave the
 * machine idle.
 */
export default class LongestFirst extends Sequencer {
	constructor(options) {
		super(options);
		const missing = LONGEST.find((name) => !existsSync(join(import.meta.dirname, `${name}.test.ts`)));
		if (missing) {
			throw new Error(`there is no test/${missing}.test.ts: correct LONGEST in test/sequencer.mjs`);
		}
	}

	sort(tests) {
		return super.sort(tests).sort((one, other) => rank(one) - rank(other));
	}
}

function rank({ path, context }) {
	const place = LONGEST.findIndex((name) => path.endsWith(`test/${name}.test.ts`));
	if (place >= 0) {
		return place;
	}
	return LONGEST.length + Number(context.config.displayName?.name !== "e2e");
}
