import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const repository = resolve(import.meta.dirname, "..");
/** DEP0174 is caused by moleculer-db when it opens a file. */
const QUIET = ["--disable-warning=DEP0174", "--disable-warning=ExperimentalWarning"];

/**
 * Starts one of Toko's programs. It has an IPC channel, by whose end it notices that this process has died.
 *
 * @param args The program, relative to the repository, and its arguments.
 * @param output `pipe`: read it with `eachLine`; `inherit`: it goes where that of this process goes.
 */
export function startProgram(
	args: string[],
	env: NodeJS.ProcessEnv,
	output: "pipe" | "inherit" = "pipe",
): ChildProcess {
	return spawn(process.execPath, [...QUIET, ...args], {
		cwd: repository,
		// A signal to the process group, such as Ctrl-C on a terminal, must reach only this process, which stops the others.
		detached: true,
		env,
		stdio: ["ignore", output, output, "ipc"],
	});
}

/** Calls a function with each line that a process prints. */
export function eachLine({ stdout, stderr }: ChildProcess, onLine: (line: string) => void): void {
	for (const stream of [stdout, stderr]) {
		if (stream) {
			createInterface({ input: stream }).on("line", onLine);
		}
	}
}

/** Tells whether a process has been started and has not exited. */
export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
	return pid !== undefined && exitCode === null && signalCode === null;
}

/**
 * Calls a function when a process has exited and all of its output is read.
 *
 * @param listener Gets the exit code or the signal, such as `exit 1` or `SIGKILL`.
 */
export function onEnd(child: ChildProcess, listener: (how: string) => void): void {
	// Node's event `close` would say the same, but never comes after `child.disconnect()`.
	child.once("exit", async (code, signal) => {
		const outputs = [child.stdout, child.stderr].filter((output) => output?.closed === false);
		await Promise.all(outputs.map((output) => new Promise((done) => output?.once("close", done))));
		listener(signal ?? `exit ${code}`);
	});
}

/** Asks a process to exit, and kills it if it has not done so within the time. Resolves when it has exited. */
export async function endProcess(
	child: ChildProcess,
	patience_ms: number,
	ask: () => void = () => child.kill("SIGTERM"),
): Promise<void> {
	if (!isRunning(child)) {
		return;
	}
	const ended = new Promise<void>((done) => onEnd(child, () => done()));
	ask();
	const killer = setTimeout(() => child.kill("SIGKILL"), patience_ms);
	await ended;
	clearTimeout(killer);
}

/** Calls a function when the process that has started this one with `startProgram` disconnects, as by its death. */
export function onDisconnect(listener: () => void): void {
	process.once("disconnect", listener);
	// It may have happened while this program was loading.
	if (process.send && !process.connected) {
		listener();
	}
}
