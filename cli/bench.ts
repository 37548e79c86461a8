import "./shop/one-line.ts";

import { measureFinding, printFinding, RATIO_MAX } from "../bench/finding.ts";
import { StartError } from "../infra/parts.ts";
import { fail } from "./shop/one-line.ts";

/** `npm run bench -- finding`: how much slower pages of 100,000 products are than of 1,000; exit code 1 where too much. */
async function start(): Promise<void> {
	if (process.argv.slice(2).join(" ") !== "finding") {
		throw new StartError(
			"npm run bench -- finding measures how pages of many products compare with those of few",
		);
	}
	const found = await measureFinding((line) => console.log(line));
	printFinding(found);
	const slow = found.filter(({ ratio }) => ratio > RATIO_MAX);
	console.log(slow.length === 0 ? `no ratio above ${RATIO_MAX}` : `${slow.length} ratios above ${RATIO_MAX}`);
	process.exit(slow.length === 0 ? 0 : 1);
}

await start().catch(fail);
