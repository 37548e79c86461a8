import { getBorderCharacters, table } from "table";
import type { Audit } from "./audit.ts";

/** Prints the checks and the breaches for a person to read. */
export function printAudit({ results, breaches }: Audit): void {
	const rows = results.map(({ check, checked, in_progress, findings }) => [
		check,
		String(checked),
		String(in_progress),
		String(findings.length),
	]);
	console.log(
		table([["check", "checked", "in progress", "breaches"], ...rows], {
			border: getBorderCharacters("void"),
			columnDefault: { paddingLeft: 0, paddingRight: 2 },
			columns: { 1: { alignment: "right" }, 2: { alignment: "right" }, 3: { alignment: "right" } },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
	for (const { check, remedy, findings } of results.filter((result) => result.findings.length > 0)) {
		for (const { document, what } of findings) {
			console.log(`BREACH ${onOneLine(document)} ${onOneLine(what)}`);
		}
		console.log(`TO DO  ${check}: ${remedy}`);
	}
	const not_judged = results.flatMap((result) => result.not_judged ?? []);
	for (const document of not_judged) {
		console.log(
			`NOT JUDGED ${onOneLine(document)}: it changed during each check; audit again when fewer orders arrive`,
		);
	}
	const verdict = breaches.length === 0 ? "no breach" : `${breaches.length} breaches`;
	console.log(not_judged.length === 0 ? verdict : `${verdict}, ${not_judged.length} not judged`);
}

/** Escapes control characters: names in the data may contain line breaks. */
function onOneLine(text: string): string {
	return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
