import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * Locks that the kernel keeps: they end with whoever holds them, and hold between containers too, which cannot see each
 * other's processes.
 */

const BUSY = 5;
/** What flock(1) exits with where somebody else has the lock. */
const CONFLICT = 75;

/** A lock of this process, until it is released or the process ends. */
export interface KernelLock {
	release(): void;
}

/**
 * Takes the lock of this file, or returns null while another process has it. Node has no call for that, but SQLite takes
 * such a lock (fcntl) to open a database exclusively; the file stays empty.
 */
export function tryKernelLock(file: string): KernelLock | null {
	const database = new DatabaseSync(file);
	try {
		database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
		return { release: () => database.close() };
	} catch (error) {
		database.close();
		if ((error as { errcode?: number }).errcode === BUSY) {
			return null;
		}
		throw error;
	}
}

let has_flock: boolean | undefined;

/** A command that holds the lock file as long as it, or a process that it started, runs; unchanged where there is no flock(1). */
export function underLock(file: string, command: string, args: string[]): { file: string; args: string[] } {
	// The server may run as another user, who must be able to open it.
	closeSync(openSync(file, "a", 0o644));
	has_flock ??= spawnSync("flock", ["--no-fork", "--version"], { stdio: "ignore" }).status === 0;
	return has_flock
		? {
				file: "flock",
				args: ["--nonblock", "--no-fork", "--conflict-exit-code", String(CONFLICT), file, command, ...args],
			}
		: { file: command, args };
}

/** Whether a command that was started with `underLock` still runs, wherever that is. */
export function isLocked(file: string): boolean {
	if (!existsSync(file)) {
		return false;
	}
	const { file: program, args } = underLock(file, "true", []);
	return spawnSync(program, args, { stdio: "ignore" }).status === CONFLICT;
}
