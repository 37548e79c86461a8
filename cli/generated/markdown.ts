/** Notice at the top of a generated file. */
export const WRITTEN = "<!-- Written by `npm run openapi`; do not edit. -->";

/** Returns a table as Prettier formats it: padded columns, and pipes in cells escaped. */
export function table(header: string[], rows: string[][]): string {
	const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
	const widths = header.map((_, column) =>
		Math.max(3, ...cells.map((row) => (row[column] as string).length)),
	);
	const [first, ...rest] = cells.map(
		(row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`,
	);
	return [first, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest].join("\n");
}

/** Joins the blocks of a document with empty lines, without empty blocks. */
export function document(...blocks: string[]): string {
	return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

export function code(text: string): string {
	return `\`${text}\``;
}

/** Formats milliseconds as seconds: 800 as `0.8 s`. */
export function seconds(ms: number): string {
	return `${ms / 1000} s`;
}
