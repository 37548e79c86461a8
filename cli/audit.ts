import "./shop/one-line.ts";

import { acceptRestore } from "../audit/accept-restore.ts";
import { audit } from "../audit/audit.ts";
import { isRepairable, repair } from "../audit/repair.ts";
import { printAudit } from "../audit/report.ts";
import { openSources } from "../audit/sources.ts";
import { checkStores } from "../audit/stores.ts";
import { readArguments, type Values } from "./arguments.mjs";
import { interruption } from "./shop/interruption.ts";
import { joinOrStart } from "./shop/join-or-start.ts";
import { fail } from "./shop/one-line.ts";

/** How long what keeps changing is looked at again. */
const PATIENCE_MS = 20_000;

/**
 * `npm run audit -- [--repair] [--accept-restore]`: checks what the shop keeps against what it promises; exit code 1 on any
 * breach.
 */
async function start(): Promise<void> {
	const { values } = readArguments("audit");
	const shop = await joinOrStart((line) => console.error(line));
	try {
		const work = auditShop(shop.isRunning, values);
		const isKept = await Promise.race([work, interruption({ needsReader: false })]);
		process.exitCode = isKept ? 0 : 1;
	} finally {
		await shop.leave();
	}
}

/** Does what the options ask for and prints what the audit found; whether there is no breach. */
async function auditShop(
	isRunning: boolean,
	{ repair: isToRepair, "accept-restore": isToAccept }: Values["audit"],
): Promise<boolean> {
	const sources = await openSources();
	if (isToAccept) {
		await acceptRestore(sources, isRunning, (line) => console.log(line));
	}
	await checkStores(sources);
	let found = await audit(sources, PATIENCE_MS);
	if (isToRepair && found.breaches.some(isRepairable)) {
		await repair(found.breaches, isRunning, (line) => console.log(line));
		found = await audit(sources, PATIENCE_MS);
	}
	printAudit(found);
	await sources.close();
	return found.breaches.length === 0;
}

await start().catch(fail);
process.exit();
