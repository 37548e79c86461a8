/**
 * Lock files that become stale when their holder exits, even if its pid is reused: the file names the holder by pid
 * *and* start time. Plain JavaScript, because cli/run.mjs needs it before Node 24 is installed; types are in
 * pid-lock.d.mts.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { searchPath } from "../config/node-env.mjs";

let bootId;

/**
 * Returns the start time of a process as opaque text that is equal only for the same process; null if none runs (a
 * zombie does not).
 */
export function processStart(pid) {
	if (!Number.isInteger(pid) || pid <= 0) {
		return null;
	}
	if (process.platform === "linux") {
		try {
			const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
			// The name, in parentheses, may contain spaces and parentheses: count the fields after its end.
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			if (fields[0] === "Z" || fields[0] === "X") {
				return null;
			}
			// Ticks since boot repeat after a reboot, so the boot's id is included.
			bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
			return `${bootId}/${fields[19]}`;
		} catch {
			return null;
		}
	}
	try {
		const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
			encoding: "utf8",
			env: { PATH: searchPath, LC_ALL: "C", TZ: "UTC" },
			stdio: ["ignore", "pipe", "ignore"],
		}).trim();
		return line === "" || line.startsWith("Z") ? null : line.replace(/^\S+\s+/, "");
	} catch {
		return null;
	}
}

/** Returns the identity of this process, or of the given one, in the form that lock files and parts.json have. */
export function identityOf(pid = process.pid) {
	return { pid, started: processStart(pid) };
}

/** Tells whether exactly that process is still running. */
export function isRunning(identity) {
	return (
		typeof identity?.pid === "number" &&
		typeof identity.started === "string" &&
		processStart(identity.pid) === identity.started
	);
}

/** Returns the holder that the lock file names: undefined if there is no file, null if its holder is not running. */
function inspect(file) {
	let text;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if (error.code === "ENOENT") {
			return undefined;
		}
		throw error;
	}
	try {
		const identity = JSON.parse(text);
		return isRunning(identity) ? identity : null;
	} catch {
		// Not JSON: written by another program, or damaged. There is no holder.
		return null;
	}
}

/** Returns the live process that holds the lock file, or null. */
export function holderOf(file) {
	return inspect(file) ?? null;
}

/**
 * Takes the lock, or returns null while another live process holds it. A stale file is replaced under a second lock of
 * the same kind (whose stale file is replaced under a third …). Only the holder of that lock may replace the file, so
 * one of two processes that see the same stale file wins, and a kill in between blocks no process.
 *
 * @param work Tells others what the lock is held for; omitted if undefined.
 */
export function tryLock(file, work) {
	const own = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
	const text = JSON.stringify({ ...identityOf(), work });
	writeFileSync(own, text, { flag: "wx", mode: 0o600 });
	try {
		if (!linked(own, file) && !replaced(own, file)) {
			return null;
		}
	} finally {
		remove(own);
	}
	return { file, release: () => inspect(file)?.pid === process.pid && remove(file) };
}

function replaced(own, file) {
	if (inspect(file)) {
		return false;
	}
	const guard = tryLock(`${file}.takeover`);
	if (guard === null) {
		return false;
	}
	try {
		const found = inspect(file);
		// Absent: its holder released it, and any process may link a new file now, which a rename would overwrite.
		if (found === undefined) {
			return linked(own, file);
		}
		if (found !== null) {
			return false;
		}
		renameSync(own, file);
		return true;
	} finally {
		guard.release();
	}
}

function linked(from, to) {
	try {
		linkSync(from, to);
		return true;
	} catch (error) {
		if (error.code === "EEXIST") {
			return false;
		}
		throw error;
	}
}

function remove(file) {
	try {
		unlinkSync(file);
	} catch (error) {
		if (error.code !== "ENOENT") {
			throw error;
		}
	}
}
