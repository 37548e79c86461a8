import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { codeOf, reason, StartError } from "./start-error.ts";

const CAUSES: Record<string, string> = {
	EACCES: "no permission; give this user the folder, or set TOKO_DIR to one of its own",
	EPERM: "no permission; give this user the folder, or set TOKO_DIR to one of its own",
	EROFS: "read-only file system; set TOKO_DIR to a folder that can be written",
	ENOSPC: "the disk is full; free some space, or set TOKO_DIR to another disk",
	EDQUOT: "the disk quota is used up; free some space, or set TOKO_DIR to another disk",
	ENOTDIR: "a part of that path is a file; set TOKO_DIR to a folder",
	EEXIST: "there is a file of that name; set TOKO_DIR to a folder",
	ENOENT: "that file system does not take new folders; set TOKO_DIR to a folder that can be written",
};

/** Turns an error with a file or folder of the shop into one line for the operator; returns other errors unchanged. */
export function folderProblem(path: string, error: unknown): unknown {
	if (error instanceof StartError) {
		return error;
	}
	const cause = CAUSES[codeOf(error)];
	return cause === undefined ? error : new StartError(`cannot use ${path}: ${cause}`);
}

/**
 * Creates the shop's folder and returns its absolute path. Only the user can access it. For root, other users may
 * traverse it (not list it), because PostgreSQL refuses to run as root and its data directory is inside.
 */
export async function prepareFolder(directory: string): Promise<string> {
	const path = resolve(directory);
	const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
	try {
		await mkdir(dirname(path), { recursive: true });
		await mkdir(path, { mode });
	} catch (error) {
		const exists = codeOf(error) === "EEXIST" && (await stat(path).catch(() => null))?.isDirectory();
		if (!exists) {
			throw folderProblem(path, error);
		}
	}
	try {
		await mkdir(resolve(path, "logs"), { mode: 0o700 });
	} catch (error) {
		if (codeOf(error) !== "EEXIST") {
			throw folderProblem(path, error);
		}
	}
	if (/[\n\r]/.test(path)) {
		throw new StartError(`TOKO_DIR must not hold line breaks: ${reason(JSON.stringify(path))}`);
	}
	return path;
}
