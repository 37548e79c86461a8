import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * Locks held in the kernel. They are released when their holder exits, and also exclude processes of other containers,
 * whose pids are not visible here.
 */

const BUSY = 5;
/** Exit code of flock(1) if another process holds the lock. */
const CONFLICT = 75;

/** A lock that this process holds until it releases it or exits. */
export interface KernelLock {
	release(): void;
}

/**
 * Takes the lock of this file, or returns null while another process holds it. Node has no call for that, but SQLite
 * takes such a lock (fcntl) to open a database exclusively. The file stays empty.
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

let hasFlock: boolean | undefined;

/**
 * Wraps a command so that it, and every process that it starts, holds the lock of the file while running. Without
 * flock(1), returns the command unchanged.
 */
export function underLock(file: string, command: string, args: string[]): { file: string; args: string[] } {
	// The server may run as another user, who must be able to open the file.
	closeSync(openSync(file, "a", 0o644));
	hasFlock ??= spawnSync("flock", ["--no-fork", "--version"], { stdio: "ignore" }).status === 0;
	return hasFlock
		? {
				file: "flock",
				args: ["--nonblock", "--no-fork", "--conflict-exit-code", String(CONFLICT), file, command, ...args],
			}
		: { file: command, args };
}

/** Tells whether a command started with `underLock` is still running, in any container. */
export function isLocked(file: string): boolean {
	if (!existsSync(file)) {
		return false;
	}
	const { file: program, args } = underLock(file, "true", []);
	return spawnSync(program, args, { stdio: "ignore" }).status === CONFLICT;
}
