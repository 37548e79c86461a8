import "./shop/one-line.ts";

import { acceptRestore } from "../audit/accept-restore.ts";
import { audit } from "../audit/audit.ts";
import { isRepairable, repair } from "../audit/repair.ts";
import { printAudit } from "../audit/report.ts";
import { openSources } from "../audit/sources.ts";
import { checkStores } from "../audit/stores.ts";
import { StartError } from "../infra/parts.ts";
import { joinOrStart } from "./shop/join-or-start.ts";
import { fail } from "./shop/one-line.ts";

/** How long what keeps changing is looked at again. */
const PATIENCE_MS = 20_000;

const OPTIONS = ["--repair", "--accept-restore"];

/**
 * `npm run audit [-- --repair | --accept-restore]`: checks what the shop keeps against what it promises; exit code 1 on any
 * breach.
 */
async function start(): Promise<void> {
	const unknown = process.argv.slice(2).filter((argument) => !OPTIONS.includes(argument));
	if (unknown.length > 0) {
		throw new StartError(
			`audit does not know ${unknown.join(" ")}: npm run audit, or with -- ${OPTIONS.join(" or -- ")}`,
		);
	}
	const shop = await joinOrStart((line) => console.error(line));
	try {
		const sources = await openSources();
		if (process.argv.includes("--accept-restore")) {
			await acceptRestore(sources, shop.isRunning, (line) => console.log(line));
		}
		await checkStores(sources);
		let found = await audit(sources, PATIENCE_MS);
		if (process.argv.includes("--repair") && found.breaches.some(isRepairable)) {
			await repair(found.breaches, shop.isRunning, (line) => console.log(line));
			found = await audit(sources, PATIENCE_MS);
		}
		printAudit(found);
		await sources.close();
		process.exitCode = found.breaches.length > 0 ? 1 : 0;
	} finally {
		await shop.leave();
	}
}

await start().catch(fail);
process.exit();
