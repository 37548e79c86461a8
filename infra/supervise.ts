import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, statSync, truncateSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { endProcess, isRunning } from "../processes/child.ts";
import { folderProblem } from "./folder.ts";
import { underLock } from "./kernel-lock.ts";
import { choosePort } from "./ports.ts";
import { serverLock } from "./processes.ts";
import { reason, StartError } from "./start-error.ts";

/** A server that Toko runs: how to start it, and how to check that it responds. */
export interface Server {
	/** Name in messages, such as "PostgreSQL". */
	name: string;
	logFile: string;
	/** Signal that makes it shut down cleanly and fast. */
	stopSignal: NodeJS.Signals;
	/**
	 * Prepares the data folder, and ends processes that an earlier run left in it. Runs before every start, also after a
	 * crash.
	 */
	prepare(): Promise<void>;
	command(port: number): Promise<Command>;
	/**
	 * Logs in once.
	 *
	 * @throws RefusedLogin if the server rejects the password; another error while it is not ready.
	 */
	check(port: number, pid: number): Promise<void>;
	/** Resets the passwords of the server; called while it is stopped. */
	repair?(): Promise<void>;
	/** Matches its log if another program has the port. */
	portTaken: RegExp;
	/** Matches its log if the cause is transient and ends within seconds. */
	transient?: RegExp;
	/**
	 * Matches its log if it can store nothing until it is restarted, although it responds.
	 * @see canStore
	 */
	stuck?: RegExp;
	/** Tells whether a restart would now help a stuck server. */
	canStore?(): Promise<boolean>;
}

export interface Command {
	file: string;
	args: string[];
	/** Its data folder, which no second server may use. */
	cwd: string;
	uid?: number;
	gid?: number;
	env?: NodeJS.ProcessEnv;
}

/** Thrown if the server is up and rejects the password. */
export class RefusedLogin extends Error {}

/** A supervised server. */
export interface Supervised {
	port: number;
	/** Stops it cleanly, or with SIGKILL after 3 s. */
	stop(): Promise<void>;
}

/** Time that a server has to stop before it gets SIGKILL. */
const PATIENCE_MS = 3_000;
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 5_000;
/** Interval between checks of the log of a server that can get stuck. */
const STUCK_CHECK_MS = 1_000;
const LOG_LIMIT = 10 * 1024 * 1024;

/**
 * Starts the server, on the preferred port if that is free, and waits until it responds. Until stop(), it is restarted
 * on the same port whenever it exits.
 *
 * @param started Called with the pid of every start.
 */
export async function supervise(
	server: Server,
	preferred: number | undefined,
	print: (line: string) => void,
	started: (pid: number, port: number) => Promise<void>,
): Promise<Supervised> {
	limitLog(server.logFile);
	const { child, port } = await firstStart(server, preferred, print);
	let current = child;
	let stopping = false;

	const watch = (watched: ChildProcess) => {
		current = watched;
		void restartWhenStuck(server, watched, print);
		if (isRunning(watched)) {
			watched.once("exit", () => void restart(watched));
		} else {
			void restart(watched);
		}
	};
	const restart = async (dead: ChildProcess) => {
		if (stopping) {
			return;
		}
		print(`${server.name} ended (${dead.signalCode ?? `exit ${dead.exitCode}`}): starting it again`);
		for (
			let backoff_ms = FIRST_BACKOFF_MS;
			!stopping;
			backoff_ms = Math.min(backoff_ms * 2, LAST_BACKOFF_MS)
		) {
			await wait(backoff_ms);
			if (stopping) {
				return;
			}
			try {
				await server.prepare();
				if (stopping) {
					return;
				}
				const next = await launch(server, port, print, (spawned) => (current = spawned));
				if (stopping) {
					return await end(next, server.stopSignal);
				}
				await started(next.pid as number, port);
				print(`${server.name} is back`);
				return watch(next);
			} catch (error) {
				if (!stopping) {
					print(`${server.name} does not start, trying again: ${reason(error)}`);
				}
			}
		}
	};

	try {
		await started(child.pid as number, port);
	} catch (error) {
		await end(child, server.stopSignal);
		throw error;
	}
	watch(child);
	return {
		port,
		stop: async () => {
			stopping = true;
			await end(current, server.stopSignal);
		},
	};
}

/** Ends a server that can no longer store anything, as after a full disk, once there is space again. */
async function restartWhenStuck(
	server: Server,
	child: ChildProcess,
	print: (line: string) => void,
): Promise<void> {
	const { stuck, canStore } = server;
	if (stuck === undefined || canStore === undefined) {
		return;
	}
	let isStuck = false;
	let read = sizeOf(server.logFile);
	while (isRunning(child)) {
		await wait(STUCK_CHECK_MS, undefined, { ref: false });
		const log = readFrom(server.logFile, read);
		read += log.length;
		isStuck ||= stuck.test(log.toString());
		if (isStuck && (await canStore().catch(() => false))) {
			print(`${server.name} could not write and has space again: starting it again`);
			return end(child, server.stopSignal);
		}
	}
}

/** Reads what was appended to a log, at most 1 MiB. */
function readFrom(file: string, position: number): Buffer {
	const buffer = Buffer.alloc(Math.min(1024 * 1024, Math.max(0, sizeOf(file) - position)));
	if (buffer.length === 0) {
		return buffer;
	}
	const descriptor = openSync(file, "r");
	try {
		return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, position));
	} finally {
		closeSync(descriptor);
	}
}

async function firstStart(server: Server, preferred: number | undefined, print: (line: string) => void) {
	const begun = Date.now();
	for (let attempt = 0; ; attempt++) {
		await server.prepare();
		const port = await choosePort(preferred);
		try {
			return { child: await launch(server, port, print), port };
		} catch (error) {
			if (error instanceof RefusedLogin && server.repair !== undefined && attempt < 5) {
				await server.repair();
			} else if (!(error instanceof EarlyEnd)) {
				throw error;
			}
			// Another program took the port between the check and the bind: choose another port.
			else if (server.portTaken.test(error.log) && attempt < 10) {
				preferred = undefined;
			} else if (server.transient?.test(error.log) && Date.now() - begun < 10_000) {
				await wait(250);
			} else {
				throw new StartError(
					`${server.name} did not start: ${failureLine(error.log)} (more in ${server.logFile})`,
				);
			}
		}
	}
}

/** The server exited before it responded; `log` is its output. */
class EarlyEnd extends Error {
	log: string;
	constructor(log: string) {
		super(failureLine(log));
		this.log = log;
	}
}

async function launch(
	server: Server,
	port: number,
	print: (line: string) => void,
	spawned: (child: ChildProcess) => void = () => {},
): Promise<ChildProcess> {
	const command = await server.command(port);
	let log: number;
	try {
		log = openSync(server.logFile, "a", 0o600);
	} catch (error) {
		throw folderProblem(server.logFile, error);
	}
	const logStart = statSync(server.logFile).size;
	const { cwd, uid, gid, env } = command;
	const { file, args } = underLock(serverLock(cwd), command.file, command.args);
	// A process group of its own: Ctrl-C on a terminal must not end it while the services still use it.
	const child = spawn(file, args, { cwd, uid, gid, env, detached: true, stdio: ["ignore", log, log] });
	closeSync(log);
	spawned(child);
	let failure: Error | undefined;
	child.once("error", (error) => (failure = error));
	const begun = Date.now();
	let isReported = false;
	for (let refused = 0; ; ) {
		await wait(refused > 0 ? 100 : 15);
		if (failure !== undefined) {
			throw new StartError(`cannot run ${file}: ${reason(failure)}`);
		}
		if (!isRunning(child)) {
			throw new EarlyEnd(readFileSync(server.logFile).subarray(logStart).toString());
		}
		try {
			await server.check(port, child.pid as number);
			return child;
		} catch (error) {
			// If another program answers because the port was taken, this server has not noticed yet, and exits soon.
			if (error instanceof RefusedLogin && ++refused > 10) {
				await end(child, server.stopSignal);
				throw error;
			}
			if (Date.now() - begun > 300_000) {
				await end(child, server.stopSignal);
				throw new StartError(
					`${server.name} runs but does not answer after 5 minutes: see ${server.logFile}`,
				);
			}
		}
		if (!isReported && Date.now() - begun > 5_000) {
			isReported = true;
			print(`${server.name} is recovering its data, waiting for it`);
		}
	}
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	return endProcess(child, PATIENCE_MS, () => child.kill(signal));
}

function sizeOf(file: string): number {
	return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function limitLog(file: string): void {
	const size = sizeOf(file);
	if (size > LOG_LIMIT) {
		truncateSync(file);
	}
}

/** Returns the line of a log that gives the reason, if there is one. */
function failureLine(log: string): string {
	const lines = log
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "");
	const fatal =
		lines.findLast((line) => /FATAL|PANIC|\[FTL\]|error/i.test(line)) ?? lines.at(-1) ?? "it wrote nothing";
	return fatal.replace(/^.*?(FATAL:|PANIC:|\[FTL\])\s*/, "").slice(0, 300);
}
