import { ambiguousReadings } from "../../contracts/numbers.ts";
import { withoutFormula } from "../../hosting/catalogue/formulas.ts";

/** A cell: text, a number, a boolean, or null for an empty one. */
export type Cell = string | number | boolean | null;

/** Characters for which a cell is quoted, also those that separate fields in other countries' spreadsheets. */
const QUOTED = /[",;\t\r\n]|^\s|\s$/;

/** Returns a line of a CSV file (RFC 4180). A text that a spreadsheet would calculate as a formula gets a quote before it. */
export function csvLine(cells: readonly Cell[]): string {
	return `${cells.map(cellText).join(",")}\r\n`;
}

function cellText(cell: Cell): string {
	if (typeof cell !== "string") {
		return typeof cell === "number" ? numberText(cell) : String(cell ?? "");
	}
	const text = withoutFormula(cell);
	return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Returns a line of an NDJSON file. */
export function ndjsonLine(fields: object): string {
	return `${JSON.stringify(fields, (_, value: unknown) => (typeof value === "number" ? exact(value) : value))}\n`;
}

/** Returns the text of a number that an import does not read as one with separators of thousands. */
function numberText(value: number): string {
	return ambiguousReadings(String(value)) ? `${value}0` : String(value);
}

function exact(value: number): unknown {
	// Node 24 has it, TypeScript's library not yet.
	const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
	return ambiguousReadings(String(value)) ? rawJSON(numberText(value)) : value;
}
