import "./startup/startup-checks.ts";

import { fail } from "../hosting/fatal-error.ts";
import { interruption } from "../hosting/interruption.ts";
import { joinOrStart } from "../hosting/servers.ts";
import { onDisconnect } from "../processes/child.ts";
import { acceptRestore } from "../tools/audit/accept-restore.ts";
import { audit, breachesByCheck } from "../tools/audit/audit.ts";
import { isRepairable, repair } from "../tools/audit/repair.ts";
import { printAudit } from "../tools/audit/report.ts";
import { openSources } from "../tools/audit/sources.ts";
import { checkMoved, checkStores } from "../tools/audit/stores.ts";
import { readArguments, type Values } from "./arguments.mjs";

/** Time for which breaches that may be in flight are checked again. */
const PATIENCE_MS = 20_000;

/**
 * `npm run audit -- [--repair] [--accept-restore] [--gently]`: checks the stored data against the shop's guarantees; exit code 1
 * on any breach.
 */
async function start(): Promise<void> {
	const { values } = readArguments("audit");
	// The process that has scheduled this audit has died: another one begins anew.
	onDisconnect(() => process.exit(1));
	const shop = await joinOrStart((line) => console.error(line));
	try {
		const work = auditShop(shop.isRunning, values);
		const isKept = await Promise.race([work, interruption({ needsReader: false })]);
		process.exitCode = isKept ? 0 : 1;
	} finally {
		await shop.leave();
	}
}

/** Runs the audit with the given options and prints the result. Returns true if there is no breach. */
async function auditShop(
	isRunning: boolean,
	{ repair: isToRepair, "accept-restore": isToAccept, gently: isGentle = false }: Values["audit"],
): Promise<boolean> {
	const sources = await openSources(isGentle);
	await checkMoved(sources);
	if (isToAccept) {
		await acceptRestore(sources, isRunning, (line) => console.log(line));
	}
	await checkStores(sources);
	const begun = performance.now();
	let found = await audit(sources, PATIENCE_MS);
	if (isToRepair && found.breaches.some(isRepairable)) {
		await repair(found.breaches, isRunning, (line) => console.log(line));
		found = await audit(sources, PATIENCE_MS);
	}
	await sources.record((performance.now() - begun) / 1000, breachesByCheck(found));
	printAudit(found);
	await sources.close();
	return found.breaches.length === 0;
}

await start().catch(fail);
process.exit();
