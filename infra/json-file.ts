import { randomBytes } from "node:crypto";
import { open, readFile, rename, unlink } from "node:fs/promises";
import { folderProblem } from "./folder.ts";
import { codeOf } from "./start-error.ts";

/** Reads a JSON object from a file: undefined if the file does not exist, "broken" if it is not a JSON object. */
export async function readJson(file: string): Promise<Record<string, unknown> | undefined | "broken"> {
	let text: string;
	try {
		text = await readFile(file, "utf8");
	} catch (error) {
		if (codeOf(error) === "ENOENT") {
			return undefined;
		}
		throw folderProblem(file, error);
	}
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null && !Array.isArray(value)
			? (value as Record<string, unknown>)
			: "broken";
	} catch {
		return "broken";
	}
}

/** Writes text to a new file beside `file`, syncs it to disk, and returns its name. Only its owner can read it. */
export async function writeBeside(file: string, text: string): Promise<string> {
	const own = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
	try {
		const handle = await open(own, "wx", 0o600);
		try {
			await handle.writeFile(text);
			await handle.sync();
		} finally {
			await handle.close();
		}
	} catch (error) {
		await unlink(own).catch(() => {});
		throw folderProblem(file, error);
	}
	return own;
}

/** Replaces the file atomically: a reader sees the old or the new content, also after a kill. Mode 0600. */
export async function writeWhole(file: string, text: string): Promise<void> {
	await rename(await writeBeside(file, text), file);
}
