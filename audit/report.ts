import { getBorderCharacters, table } from "table";
import type { Audit } from "./audit.ts";

/** Prints what was looked at and what is wrong, for a person. */
export function printAudit({ looks, breaches }: Audit): void {
	const rows = looks.map(({ check, looked_at, under_way, findings }) => [
		check,
		String(looked_at),
		String(under_way),
		String(findings.length),
	]);
	console.log(
		table([["check", "looked at", "under way", "breaches"], ...rows], {
			border: getBorderCharacters("void"),
			columnDefault: { paddingLeft: 0, paddingRight: 2 },
			columns: { 1: { alignment: "right" }, 2: { alignment: "right" }, 3: { alignment: "right" } },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
	for (const { document, what } of breaches) {
		console.log(`BREACH ${document} ${what}`);
	}
	console.log(breaches.length === 0 ? "no breach" : `${breaches.length} breaches`);
}
