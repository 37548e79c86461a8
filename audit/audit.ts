import { setTimeout as wait } from "node:timers/promises";
import type { Place } from "../mixins/outbox-rows.ts";
import { lookAtEvents } from "./events.ts";
import { lookAtOrders } from "./orders.ts";
import { lookAtProductFile } from "./product-file.ts";
import type { Sources } from "./sources.ts";
import { lookAtStock } from "./stock.ts";

/** Something that must not be: which document, and what is wrong with it. */
export interface Finding {
	document: string;
	what: string;
	/** A hold that can be settled safely: its order says what becomes of it. */
	reservation_id?: string;
	/** A product whose ledger can be made to account for what was supplied. */
	product_id?: string;
	/** Events that can be sent again. */
	events?: LostEvent[];
}

/** An event that nobody has taken in, by the database of its outbox and its place. */
export interface LostEvent extends Place {
	database: "users" | "orders";
}

/** What one check saw. */
export interface Look {
	check: string;
	/** How many documents it looked at. */
	looked_at: number;
	/** How many of them are still being worked on, which is no breach. */
	under_way: number;
	findings: Finding[];
}

export interface Audit {
	looks: Look[];
	breaches: (Finding & { check: string })[];
}

const ROUND_MS = 500;
/** What is seen this often in a row is no moment between two databases. */
const ROUNDS_TO_BELIEVE = 4;

/**
 * Checks what the shop keeps against what it promises, while it runs or stands. The databases are read one after the
 * other, so what looks wrong is looked at again: only what stays is a breach.
 *
 * @param patience_ms How long what keeps changing is looked at again.
 */
export async function audit(sources: Sources, patience_ms: number): Promise<Audit> {
	const deadline = Date.now() + patience_ms;
	const seen = new Map<string, number>();
	for (;;) {
		const looks = [
			...(await lookAtStock(sources)),
			...(sources.productFile ? [await lookAtProductFile(sources.productFile)] : []),
			...(await lookAtOrders(sources)),
			...(await lookAtEvents(sources)),
		];
		const found = looks.flatMap(({ check, findings }) => findings.map((finding) => ({ check, ...finding })));
		const keys = new Set(found.map(keyOf));
		for (const key of [...seen.keys()].filter((key) => !keys.has(key))) {
			seen.delete(key);
		}
		for (const key of keys) {
			seen.set(key, (seen.get(key) ?? 0) + 1);
		}
		const breaches = found.filter((finding) => (seen.get(keyOf(finding)) ?? 0) >= ROUNDS_TO_BELIEVE);
		if (breaches.length === keys.size || Date.now() > deadline) {
			return { looks: looks.map((look) => believed(look, breaches)), breaches };
		}
		await wait(ROUND_MS);
	}
}

function keyOf({ check, document }: { check: string; document: string }): string {
	return `${check} ${document}`;
}

/** What was not seen often enough counts as under way. */
function believed(look: Look, breaches: Audit["breaches"]): Look {
	const keys = new Set(breaches.map(keyOf));
	const findings = look.findings.filter(({ document }) => keys.has(keyOf({ check: look.check, document })));
	return { ...look, findings, under_way: look.under_way + look.findings.length - findings.length };
}
