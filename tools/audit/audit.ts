import { setTimeout as wait } from "node:timers/promises";
import { databases } from "../../contracts/services.ts";
import { failedCheck } from "./check.ts";
import { checkErasure } from "./erasure.ts";
import { checkEvents } from "./events.ts";
import type { CheckResult, Finding } from "./finding.ts";
import { checkJobs } from "./jobs.ts";
import { checkOrders } from "./orders.ts";
import { checkProductFile } from "./product-file.ts";
import { checkReferences } from "./references.ts";
import { checkService } from "./services.ts";
import type { Sources } from "./snapshot.ts";
import { checkStock } from "./stock.ts";
import { checkVariants } from "./variants.ts";

export interface Audit {
	results: CheckResult[];
	breaches: (Finding & { check: string })[];
}

const PAUSE_MS = 500;
/** Number of consecutive rounds that must report a finding. Fewer may be a change in progress between two databases. */
const ROUNDS_TO_CONFIRM = 4;

interface Group {
	about: string;
	run(sources: Sources): Promise<CheckResult[]>;
}

/** The groups of checks. A group runs again until each of its findings is confirmed or gone. */
const GROUPS: Group[] = [
	{ about: "products and their holds", run: checkStock },
	{ about: "variants and their groups", run: checkVariants },
	{ about: "the products' file", run: checkFile },
	...databases.map((name) => ({
		about: `the database of ${name}`,
		run: (sources: Sources) => checkService(sources, name),
	})),
	{ about: "histories of orders", run: checkOrders },
	{ about: "events, the stream and messages", run: checkEvents },
	{ about: "references to deleted data", run: checkReferences },
	{ about: "deleted users", run: checkErasure },
	{ about: "jobs", run: checkJobs },
];

/**
 * Checks that the data of the shop is consistent, whether the shop runs or not. The databases are read one after the
 * other, so each finding is checked again: only a finding that persists is a breach. A check that fails is reported as
 * a breach and does not stop the others.
 *
 * @param timeout_ms Time limit for rechecking data that keeps changing. Each group gets its minimum of rounds, however
 * slow they are.
 * @param pause_ms Pause between two rounds: longer than the delay between two databases.
 */
export async function audit(sources: Sources, timeout_ms: number, pause_ms = PAUSE_MS): Promise<Audit> {
	const deadline = Date.now() + timeout_ms;
	const latest = new Map<Group, CheckResult[]>();
	const seen = new Map<string, number>();
	const isConfirmed = (key: string) => (seen.get(key) ?? 0) >= ROUNDS_TO_CONFIRM;
	for (let round = 1; ; round++) {
		for (const group of GROUPS) {
			const before = keysOf(latest.get(group) ?? []);
			if (round === 1 || !before.every(isConfirmed)) {
				const results = await group.run(sources).catch((error: Error) => [failedCheck(group.about, error)]);
				const now = new Set(keysOf(results));
				for (const key of before.filter((key) => !now.has(key))) {
					seen.delete(key);
				}
				for (const key of now) {
					seen.set(key, (seen.get(key) ?? 0) + 1);
				}
				latest.set(group, results);
			}
		}
		const results = [...latest.values()].flat();
		if (keysOf(results).every(isConfirmed) || (round >= ROUNDS_TO_CONFIRM && Date.now() > deadline)) {
			const confirmed = results.map((result) => onlyConfirmed(result, isConfirmed));
			return {
				results: confirmed,
				breaches: confirmed.flatMap(({ check, findings }) =>
					findings.map((finding) => ({ check, ...finding })),
				),
			};
		}
		await wait(pause_ms);
	}
}

/** Returns the number of breaches of each check. */
export function breachesByCheck({ results }: Audit): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { check, findings } of results) {
		counts[check] = (counts[check] ?? 0) + findings.length;
	}
	return counts;
}

async function checkFile({ productFile }: Sources): Promise<CheckResult[]> {
	return productFile ? [await checkProductFile(productFile)] : [];
}

/** Returns the key of each check and document with a finding, without duplicates. */
function keysOf(results: CheckResult[]): string[] {
	return [
		...new Set(
			results.flatMap(({ check, findings }) => findings.map(({ document }) => keyOf(check, document))),
		),
	];
}

function keyOf(check: string, document: string): string {
	return `${check} ${document}`;
}

/** Counts findings that are not confirmed yet as under way. */
function onlyConfirmed(result: CheckResult, isConfirmed: (key: string) => boolean): CheckResult {
	const findings = result.findings.filter(({ document }) => isConfirmed(keyOf(result.check, document)));
	return { ...result, findings, in_progress: result.in_progress + result.findings.length - findings.length };
}
