import { setTimeout as wait } from "node:timers/promises";
import { databases } from "../../contracts/services.ts";
import { lookAtEvents } from "./events.ts";
import type { Finding, Look } from "./finding.ts";
import { lookAtJobs } from "./jobs.ts";
import { uncheckedLook } from "./look.ts";
import { lookAtOrders } from "./orders.ts";
import { lookAtPeople } from "./people.ts";
import { lookAtProductFile } from "./product-file.ts";
import { lookAtService } from "./services.ts";
import type { Sources } from "./snapshot.ts";
import { lookAtStock } from "./stock.ts";
import { lookAtTraces } from "./traces.ts";

export interface Audit {
	looks: Look[];
	breaches: (Finding & { check: string })[];
}

const PAUSE_MS = 500;
/** Number of consecutive rounds that must report a finding. Fewer may be a change in progress between two databases. */
const ROUNDS_TO_BELIEVE = 4;

interface Group {
	about: string;
	look(sources: Sources): Promise<Look[]>;
}

/** The groups of checks. A group runs again until each of its findings is confirmed or gone. */
const GROUPS: Group[] = [
	{ about: "products and their holds", look: lookAtStock },
	{ about: "the products' file", look: lookAtFile },
	...databases.map((name) => ({
		about: `the database of ${name}`,
		look: (sources: Sources) => lookAtService(sources, name),
	})),
	{ about: "histories of orders", look: lookAtOrders },
	{ about: "events, the stream and messages", look: lookAtEvents },
	{ about: "what is gone", look: lookAtTraces },
	{ about: "deleted users", look: lookAtPeople },
	{ about: "jobs", look: lookAtJobs },
];

/**
 * Checks that the data of the shop is consistent, whether the shop runs or not. The databases are read one after the
 * other, so each finding is checked again: only a finding that persists is a breach. A check that fails is reported as
 * a breach and does not stop the others.
 *
 * @param patience_ms Time limit for rechecking data that keeps changing. Each group gets its minimum of rounds, however
 * slow they are.
 * @param pause_ms Pause between two rounds: longer than the delay between two databases.
 */
export async function audit(sources: Sources, patience_ms: number, pause_ms = PAUSE_MS): Promise<Audit> {
	const deadline = Date.now() + patience_ms;
	const latest = new Map<Group, Look[]>();
	const seen = new Map<string, number>();
	const isBelieved = (key: string) => (seen.get(key) ?? 0) >= ROUNDS_TO_BELIEVE;
	for (let round = 1; ; round++) {
		for (const group of GROUPS) {
			const before = keysOf(latest.get(group) ?? []);
			if (round === 1 || !before.every(isBelieved)) {
				const looks = await group.look(sources).catch((error: Error) => [uncheckedLook(group.about, error)]);
				const now = new Set(keysOf(looks));
				for (const key of before.filter((key) => !now.has(key))) {
					seen.delete(key);
				}
				for (const key of now) {
					seen.set(key, (seen.get(key) ?? 0) + 1);
				}
				latest.set(group, looks);
			}
		}
		const looks = [...latest.values()].flat();
		if (keysOf(looks).every(isBelieved) || (round >= ROUNDS_TO_BELIEVE && Date.now() > deadline)) {
			const believed = looks.map((look) => onlyBelieved(look, isBelieved));
			return {
				looks: believed,
				breaches: believed.flatMap(({ check, findings }) =>
					findings.map((finding) => ({ check, ...finding })),
				),
			};
		}
		await wait(pause_ms);
	}
}

async function lookAtFile({ productFile }: Sources): Promise<Look[]> {
	return productFile ? [await lookAtProductFile(productFile)] : [];
}

/** Returns the key of each check and document with a finding, without duplicates. */
function keysOf(looks: Look[]): string[] {
	return [
		...new Set(
			looks.flatMap(({ check, findings }) => findings.map(({ document }) => keyOf(check, document))),
		),
	];
}

function keyOf(check: string, document: string): string {
	return `${check} ${document}`;
}

/** Counts findings that are not confirmed yet as under way. */
function onlyBelieved(look: Look, isBelieved: (key: string) => boolean): Look {
	const findings = look.findings.filter(({ document }) => isBelieved(keyOf(look.check, document)));
	return { ...look, findings, under_way: look.under_way + look.findings.length - findings.length };
}
