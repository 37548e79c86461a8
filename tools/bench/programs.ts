import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Command, follow, ownEnvironment } from "../shop-process.ts";

const TIMEOUT_MS = 180_000;

/**
 * Starts a program under measurement in its own process group, with its output in `<folder>/<name>.log`. Its `line`
 * waits for three minutes by default.
 *
 * @param folder Folder of its server, set as `TOKO_DIR`, which identifies all of its processes.
 */
export function startProgram(
	folder: string,
	name: string,
	[file = "", ...args]: string[],
	{ cwd, environment = {} }: { cwd: string; environment?: Record<string, string> },
): Pick<Command, "child" | "line"> {
	const child = spawn(file, args, {
		cwd,
		detached: true,
		env: ownEnvironment(folder, environment),
		stdio: ["ignore", "pipe", "pipe"],
	});
	mkdirSync(folder, { recursive: true });
	const log = createWriteStream(join(folder, `${name}.log`), { flags: "a" });
	for (const stream of [child.stdout, child.stderr]) {
		stream.pipe(log, { end: false });
	}
	child.once("close", () => log.end());
	const { line } = follow(child);
	return { child, line: (pattern, timeout_ms = TIMEOUT_MS) => line(pattern, timeout_ms) };
}
