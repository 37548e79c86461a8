/**
 * Beginnings of a cell that spreadsheets calculate as a formula, also where they are full-width. Quotes before them belong
 * to the pattern, so that a text that begins with a quote is restored as well.
 */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

/** Returns the text of a cell, with a quote before it if a spreadsheet would calculate it. */
export function withoutFormula(text: string): string {
	return FORMULA.test(text) ? `'${text}` : text;
}

/** Returns the text that `withoutFormula` was given. */
export function withFormula(cell: string): string {
	return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
