import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { isLocked } from "./kernel-lock.ts";
import { type Identity, isRunning, processStart } from "./pid-lock.mjs";
import { StartError } from "./start-error.ts";

/**
 * Returns the live processes of the program whose working directory is in the folder: everything that an earlier run
 * left behind, whatever its pid files say. Linux only; empty elsewhere.
 *
 * @param program As the kernel names it, such as "postgres".
 */
function processesIn(folder: string, program: string): number[] {
	if (process.platform !== "linux") {
		return [];
	}
	let real: string;
	try {
		real = realpathSync(folder);
	} catch {
		return [];
	}
	return readdirSync("/proc")
		.map(Number)
		.filter((pid) => {
			if (!Number.isInteger(pid)) {
				return false;
			}
			try {
				if (!`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${real}/`)) {
					return false;
				}
				const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
				return program.startsWith(name) && processStart(pid) !== null;
			} catch {
				return false;
			}
		});
}

/**
 * Ends the processes of an earlier run that use a data folder, so that a new server can use it. Sends `signal` to the
 * recorded process and to those found, waits, and sends SIGKILL after `patience_ms`. Returns how many processes there
 * were.
 *
 * @param isAsked Tells the processes to signal from child processes, which exit with them.
 */
export async function endLeftovers(
	folder: string,
	program: string,
	recorded: Identity | undefined,
	signal: NodeJS.Signals,
	patience_ms: number,
	isAsked: (pid: number) => boolean = () => true,
): Promise<number> {
	const find = () => {
		const found = new Set(processesIn(folder, program));
		// In a copy of the folder of a running shop, the record names the server of the original.
		const isOurs =
			recorded !== undefined && isRunning(recorded) && commandLine(recorded.pid).includes(folder);
		if (isOurs) {
			found.add(recorded.pid);
		}
		return [...found];
	};
	const first = find();
	const asked = new Set<number>();
	const started = Date.now();
	for (let left = first; left.length > 0; left = find()) {
		const waited_ms = Date.now() - started;
		if (waited_ms > patience_ms + 10_000) {
			throw new StartError(`process ${left[0]} still uses ${folder} and cannot be ended: end it by hand`);
		}
		for (const pid of left) {
			if (waited_ms > patience_ms) {
				send(pid, "SIGKILL");
			} else if (!asked.has(pid) && isAsked(pid)) {
				send(pid, signal);
			}
			asked.add(pid);
		}
		await wait(20);
	}
	if (isLocked(serverLock(folder))) {
		throw new StartError(
			`${program} still uses ${folder} in another container or namespace: end it there, or set TOKO_DIR to another folder`,
		);
	}
	return first.length;
}

/** Returns the lock file that a server holds while it uses this data folder. */
export function serverLock(folder: string): string {
	return `${folder}.flock`;
}

/** Returns the command line of a live process, with arguments separated by spaces; "" if there is none. */
export function commandLine(pid: number): string {
	try {
		if (process.platform === "linux") {
			return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
		}
		return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
	} catch {
		return "";
	}
}

/** Sends a signal, ignoring errors such as that the process has exited. */
export function send(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch {
		// It has exited, or belongs to another user: callers that wait for its exit will see which.
	}
}
