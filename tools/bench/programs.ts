import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ownEnvironment } from "../shop-process.ts";

/** A program under measurement. */
export interface Program {
	child: ChildProcess;
	/** Returns the first line that matches. Fails if the program exits first, or on timeout. */
	line(pattern: RegExp, patience_ms?: number): Promise<string>;
}

const PATIENCE_MS = 180_000;
/** Maximum length of the output included in an error message. */
const REMEMBERED = 4000;

/**
 * Starts a program in its own process group, with its output in `<folder>/<name>.log`.
 *
 * @param folder Folder of its server, set as `TOKO_DIR`, which identifies all of its processes.
 */
export function startProgram(
	folder: string,
	name: string,
	[file = "", ...args]: string[],
	{ cwd, environment = {} }: { cwd: string; environment?: Record<string, string> },
): Program {
	const child = spawn(file, args, {
		cwd,
		detached: true,
		env: ownEnvironment(folder, environment),
		stdio: ["ignore", "pipe", "pipe"],
	});
	mkdirSync(folder, { recursive: true });
	const log = createWriteStream(join(folder, `${name}.log`), { flags: "a" });
	const lines: string[] = [];
	let rest = "";
	let end = "";
	let isAwaited = true;
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding("utf8");
		stream?.on("data", (chunk: string) => {
			log.write(chunk);
			end = (end + chunk).slice(-REMEMBERED);
			if (isAwaited) {
				const found = (rest + chunk).split("\n");
				rest = found.pop() as string;
				lines.push(...found);
			}
		});
	}
	child.once("close", () => log.end());
	return {
		child,
		async line(pattern, patience_ms = PATIENCE_MS) {
			const deadline = Date.now() + patience_ms;
			for (;;) {
				const found = lines.find((line) => pattern.test(line));
				if (found !== undefined) {
					isAwaited = false;
					return found;
				}
				if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
					throw new Error(`${name} printed no line like ${pattern}:\n${end}`);
				}
				await new Promise((wake) => setTimeout(wake, 20));
			}
		},
	};
}
