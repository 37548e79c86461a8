/**
 * Lock files that outlive neither their process nor its number: the file names its holder by pid *and*
 * start time, so after a SIGKILL, and after the pid went to somebody else, it is seen to be stale. Plain
 * JavaScript, because cli/run.mjs needs it before Node 24 is there; types in pid-lock.d.mts.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";

let boot_id;

/**
 * When the process started, as text that only compares equal for the same process; null if none runs (a
 * zombie does not).
 */
export function processStart(pid) {
	if (!Number.isInteger(pid) || pid <= 0) return null;
	if (process.platform === "linux") {
		try {
			const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
			// The name, in brackets, may hold spaces and brackets: count the fields after its end.
			const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
			if (fields[0] === "Z" || fields[0] === "X") return null;
			// Ticks since boot repeat after a reboot: the boot's id tells them apart.
			boot_id ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
			return `${boot_id}/${fields[19]}`;
		} catch {
			return null;
		}
	}
	try {
		const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
			encoding: "utf8",
			env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
			stdio: ["ignore", "pipe", "ignore"],
		}).trim();
		return line === "" || line.startsWith("Z") ? null : line.replace(/^\S+\s+/, "");
	} catch {
		return null;
	}
}

/** This process, or the one given, in the form that lock files and parts.json hold. */
export function identityOf(pid = process.pid) {
	return { pid, started: processStart(pid) };
}

/** Whether that very process still runs. */
export function isRunning(identity) {
	return (
		typeof identity?.pid === "number" &&
		typeof identity.started === "string" &&
		processStart(identity.pid) === identity.started
	);
}

/** What the lock file says: undefined when it is absent, null when nobody alive holds it. */
function inspect(file) {
	let text;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if (error.code === "ENOENT") return undefined;
		throw error;
	}
	try {
		const identity = JSON.parse(text);
		return isRunning(identity) ? identity : null;
	} catch {
		// No JSON: not written by us, or by a disk that failed. It names nobody.
		return null;
	}
}

/** The live process that holds the lock file, or null. */
export function holderOf(file) {
	return inspect(file) ?? null;
}

/**
 * Takes the lock, or returns null while another live process has it. A stale file is replaced under a
 * second lock of the same kind (whose stale file is replaced under a third …): only its holder may
 * replace, so of two starters that see the same stale file one wins, and a kill in the middle blocks
 * nobody.
 */
export function tryLock(file) {
	const own = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
	const text = JSON.stringify(identityOf());
	writeFileSync(own, text, { flag: "wx", mode: 0o600 });
	try {
		if (!linked(own, file) && !replaced(own, file)) return null;
	} finally {
		remove(own);
	}
	return { file, release: () => inspect(file)?.pid === process.pid && remove(file) };
}

function replaced(own, file) {
	if (inspect(file)) return false;
	const guard = tryLock(`${file}.takeover`);
	if (guard === null) return false;
	try {
		const found = inspect(file);
		// Absent: its holder let it go, and anybody may link a new one now; renaming could run over that.
		if (found === undefined) return linked(own, file);
		if (found !== null) return false;
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
		if (error.code === "EEXIST") return false;
		throw error;
	}
}

function remove(file) {
	try {
		unlinkSync(file);
	} catch (error) {
		if (error.code !== "ENOENT") throw error;
	}
}
