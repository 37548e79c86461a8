/** Says at the top of a file that it is not edited by hand. */
export const WRITTEN = "<!-- Written by `npm run openapi`; do not edit. -->";

/** A table as Prettier formats it: columns of one width, and pipes in cells escaped. */
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

/** The blocks of a document, with an empty line between them; empty ones are left out. */
export function document(...blocks: string[]): string {
	return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

export function code(text: string): string {
	return `\`${text}\``;
}

/** `800 ms` in seconds: `0.8 s`. */
export function seconds(ms: number): string {
	return `${ms / 1000} s`;
}
