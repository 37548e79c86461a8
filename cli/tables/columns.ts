import { table as draw, getBorderCharacters } from "table";

/** Returns rows as lines with aligned columns. */
export function columns(rows: string[][]): string {
	return draw(rows, {
		border: getBorderCharacters("void"),
		columnDefault: { paddingLeft: 0, paddingRight: 2 },
		drawHorizontalLine: () => false,
	}).trimEnd();
}
