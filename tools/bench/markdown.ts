import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Returns the lines of a Markdown table, followed by an empty line; all columns but the first are numeric. */
export function table(header: string[], rows: string[][]): string[] {
	const line = (cells: string[]) => `| ${cells.map((cell) => cell.trim()).join(" | ")} |`;
	const rule = header.map((_, column) => (column === 0 ? "---" : "--:"));
	return [line(header), line(rule), ...rows.map(line), ""];
}

/** Writes reports into a folder. Returns their names for display. */
export async function writeFiles(
	folder: string,
	files: readonly (readonly [name: string, content: string])[],
): Promise<string> {
	await mkdir(folder, { recursive: true });
	for (const [name, content] of files) {
		await writeFile(join(folder, name), content);
	}
	return files.map(([name]) => relative(process.cwd(), join(folder, name))).join(", ");
}
