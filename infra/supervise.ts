import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, statSync, truncateSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { folderProblem } from "./folder.ts";
import { underLock } from "./kernel-lock.ts";
import { choosePort } from "./ports.ts";
import { send, serverLock } from "./processes.ts";
import { reason, StartError } from "./start-error.ts";

/** A server that Toko runs: how to start it, and how to see that it answers. */
export interface Server {
	/** for messages, e.g. "PostgreSQL" */
	name: string;
	log_file: string;
	/** what makes it end cleanly, and fast */
	stop_signal: NodeJS.Signals;
	/**
	 * Readies the data folder; runs before every start, also after a crash. Ends leftovers of an earlier
	 * run.
	 */
	prepare(): Promise<void>;
	command(port: number): Promise<Command>;
	/**
	 * Logs in once; throws while it does not work. Throws RefusedLogin if the server does not know our
	 * password.
	 */
	check(port: number, pid: number): Promise<void>;
	/** Makes the server know our passwords; called while it is stopped. */
	repair?(): Promise<void>;
	/** in its log: another program has the port */
	port_taken: RegExp;
	/** in its log: a reason that goes away by itself within seconds */
	passing?: RegExp;
	/**
	 * in its log: from now on it stores nothing, though it answers, until it is started again
	 * @see canStore
	 */
	stuck?: RegExp;
	/** Whether a start would help by now one that is stuck. */
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

/** The server is up and does not take our password. */
export class RefusedLogin extends Error {}

/** A server under supervision. */
export interface Supervised {
	port: number;
	/** Ends it: cleanly, or after 3 s by SIGKILL. */
	stop(): Promise<void>;
}

const first_backoff_ms = 250;
const last_backoff_ms = 5_000;
/** How often the log of a server is looked at that may get stuck. */
const stuck_look_ms = 1_000;
const log_limit = 10 * 1024 * 1024;

/**
 * Starts the server, on the wished port if that is free, and waits till it answers. From then on, until
 * stop(), it is restarted on the same port whenever it dies.
 * @param started hears the pid of every start
 */
export async function supervise(
	server: Server,
	wish: number | undefined,
	say: (line: string) => void,
	started: (pid: number, port: number) => Promise<void>,
): Promise<Supervised> {
	limitLog(server.log_file);
	const { child, port } = await firstStart(server, wish, say);
	let current = child;
	let stopping = false;

	const watch = (watched: ChildProcess) => {
		current = watched;
		void restartWhenStuck(server, watched, say);
		if (watched.exitCode !== null || watched.signalCode !== null) void restart(watched);
		else watched.once("exit", () => void restart(watched));
	};
	const restart = async (dead: ChildProcess) => {
		if (stopping) return;
		say(`${server.name} ended (${dead.signalCode ?? `exit ${dead.exitCode}`}): starting it again`);
		for (
			let backoff_ms = first_backoff_ms;
			!stopping;
			backoff_ms = Math.min(backoff_ms * 2, last_backoff_ms)
		) {
			await wait(backoff_ms);
			if (stopping) return;
			try {
				await server.prepare();
				if (stopping) return;
				const next = await launch(server, port, say, (spawned) => (current = spawned));
				if (stopping) return await end(next, server.stop_signal);
				await started(next.pid as number, port);
				say(`${server.name} is back`);
				return watch(next);
			} catch (error) {
				if (!stopping) say(`${server.name} does not start, trying again: ${reason(error)}`);
			}
		}
	};

	try {
		await started(child.pid as number, port);
	} catch (error) {
		await end(child, server.stop_signal);
		throw error;
	}
	watch(child);
	return {
		port,
		stop: async () => {
			stopping = true;
			await end(current, server.stop_signal);
		},
	};
}

/** Ends a server that stores nothing any more, as after its disk was full, once there is space again. */
async function restartWhenStuck(
	server: Server,
	child: ChildProcess,
	say: (line: string) => void,
): Promise<void> {
	const { stuck, canStore } = server;
	if (stuck === undefined || canStore === undefined) return;
	let isStuck = false;
	let read = sizeOf(server.log_file);
	while (child.exitCode === null && child.signalCode === null) {
		await wait(stuck_look_ms, undefined, { ref: false });
		const log = readFrom(server.log_file, read);
		read += log.length;
		isStuck ||= stuck.test(log.toString());
		if (isStuck && (await canStore().catch(() => false))) {
			say(`${server.name} could not write and has space again: starting it again`);
			return end(child, server.stop_signal);
		}
	}
}

/** What was added to a log, at most a megabyte of it. */
function readFrom(file: string, position: number): Buffer {
	const buffer = Buffer.alloc(Math.min(1024 * 1024, Math.max(0, sizeOf(file) - position)));
	if (buffer.length === 0) return buffer;
	const descriptor = openSync(file, "r");
	try {
		return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, position));
	} finally {
		closeSync(descriptor);
	}
}

async function firstStart(server: Server, wish: number | undefined, say: (line: string) => void) {
	const begun = Date.now();
	for (let attempt = 0; ; attempt++) {
		await server.prepare();
		const port = await choosePort(wish);
		try {
			return { child: await launch(server, port, say), port };
		} catch (error) {
			if (error instanceof RefusedLogin && server.repair !== undefined && attempt < 5) await server.repair();
			else if (!(error instanceof EarlyEnd)) throw error;
			// Somebody took the port between our look and its bind: another one.
			else if (server.port_taken.test(error.log) && attempt < 10) wish = undefined;
			else if (server.passing?.test(error.log) && Date.now() - begun < 10_000) await wait(250);
			else
				throw new StartError(
					`${server.name} did not start: ${lastWords(error.log)} (more in ${server.log_file})`,
				);
		}
	}
}

/** The server ended before it answered; `log` is what it wrote. */
class EarlyEnd extends Error {
	log: string;
	constructor(log: string) {
		super(lastWords(log));
		this.log = log;
	}
}

async function launch(
	server: Server,
	port: number,
	say: (line: string) => void,
	spawned: (child: ChildProcess) => void = () => {},
): Promise<ChildProcess> {
	const command = await server.command(port);
	let log: number;
	try {
		log = openSync(server.log_file, "a", 0o600);
	} catch (error) {
		throw folderProblem(server.log_file, error);
	}
	const log_start = statSync(server.log_file).size;
	const { cwd, uid, gid, env } = command;
	const { file, args } = underLock(serverLock(cwd), command.file, command.args);
	// A group of its own: Ctrl-C on a terminal must not end it before the services are done with it.
	const child = spawn(file, args, { cwd, uid, gid, env, detached: true, stdio: ["ignore", log, log] });
	closeSync(log);
	spawned(child);
	let failure: Error | undefined;
	child.once("error", (error) => (failure = error));
	const ended = () => child.exitCode !== null || child.signalCode !== null;
	const begun = Date.now();
	let told = false;
	for (let refused = 0; ; ) {
		await wait(refused > 0 ? 100 : 15);
		if (failure !== undefined) throw new StartError(`cannot run ${file}: ${reason(failure)}`);
		if (ended()) throw new EarlyEnd(readFileSync(server.log_file).subarray(log_start).toString());
		try {
			await server.check(port, child.pid as number);
			return child;
		} catch (error) {
			// Some other program answers while ours has not yet seen that the port is taken? Then ours ends soon.
			if (error instanceof RefusedLogin && ++refused > 10) {
				await end(child, server.stop_signal);
				throw error;
			}
			if (Date.now() - begun > 300_000) {
				await end(child, server.stop_signal);
				throw new StartError(
					`${server.name} runs but does not answer after 5 minutes: see ${server.log_file}`,
				);
			}
		}
		if (!told && Date.now() - begun > 5_000) {
			told = true;
			say(`${server.name} is recovering its data, waiting for it`);
		}
	}
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
	const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
	send(child.pid, signal);
	const late = setTimeout(() => send(child.pid as number, "SIGKILL"), 3_000);
	await ended;
	clearTimeout(late);
}

function sizeOf(file: string): number {
	return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function limitLog(file: string): void {
	const size = sizeOf(file);
	if (size > log_limit) truncateSync(file);
}

/** The line of a log that says why, as far as one does. */
function lastWords(log: string): string {
	const lines = log
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "");
	const fatal =
		lines.findLast((line) => /FATAL|PANIC|\[FTL\]|error/i.test(line)) ?? lines.at(-1) ?? "it wrote nothing";
	return fatal.replace(/^.*?(FATAL:|PANIC:|\[FTL\])\s*/, "").slice(0, 300);
}
