import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inheritedVariables } from "../config/environment.ts";
import { readSettings } from "../config/settings.ts";
import { isRunning } from "../processes/child.ts";

const repository = resolve(import.meta.dirname, "..");
/** Default time limit of a wait, below that of a test in jest.config.js, so that a failure tells what it waited for. */
const TIMEOUT_MS = 240_000;
const folders = new Set<string>();

/** A process of Toko's command line with its output. */
export interface Command {
	child: ChildProcess;
	output(): string;
	errors(): string;
	/** Waits for a line that matches. Fails with the output if the process exits first, or on timeout. */
	line(pattern: RegExp, timeout_ms?: number): Promise<string>;
	/** Waits for the exit and returns the exit code. */
	ended(): Promise<number | null>;
}

/** Namespace of the shops that are started with `ownEnvironment`. */
export const { namespace } = readSettings({});

/**
 * Returns the environment of a shop of its own in this folder, which takes no setting from this process and no option of
 * its Node.
 */
export function ownEnvironment(folder: string, variables: Record<string, string> = {}): NodeJS.ProcessEnv {
	const { NODE_OPTIONS, ...inherited } = inheritedVariables();
	return { ...inherited, TOKO_DIR: folder, ...variables };
}

/** Creates a folder for a shop; `cleanUp` removes it. */
export function newFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "toko-e2e-"));
	folders.add(folder);
	return folder;
}

/**
 * Runs `npm run <command>` in its own process group, as a shell would.
 *
 * @param launcher A program with its arguments that runs the command.
 */
export function run(
	folder: string,
	args: string[],
	environment: Record<string, string> = {},
	input?: string,
	launcher: string[] = [],
): Command {
	const [program = "", ...before] = [...launcher, "node", "cli/run.mjs"];
	const child = spawn(program, [...before, ...args], {
		cwd: repository,
		detached: true,
		env: ownEnvironment(folder, { PORT: "0", RATE_LIMIT: "0", ...environment }),
		stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
	});
	child.stdin?.end(input);
	return follow(child);
}

/** Output of a process from now on, and its end. */
export function follow(child: ChildProcess): Command {
	let output = "";
	let errors = "";
	child.stdout?.on("data", (chunk) => {
		output += chunk;
	});
	child.stderr?.on("data", (chunk) => {
		errors += chunk;
	});
	const exit = new Promise<number | null>((done) => child.once("close", done));
	return {
		child,
		output: () => output,
		errors: () => errors,
		ended: () => exit,
		async line(pattern, timeout_ms = TIMEOUT_MS) {
			const deadline = Date.now() + timeout_ms;
			for (;;) {
				const found = output.split("\n").find((line) => pattern.test(line));
				if (found !== undefined) {
					return found;
				}
				if (!isRunning(child) || Date.now() > deadline) {
					throw new Error(`no line like ${pattern} in:\n${output}\n${errors}`);
				}
				await new Promise((wake) => setTimeout(wake, 20));
			}
		},
	};
}

/**
 * Returns the milliseconds until a condition is checked again. They grow with the time that was waited so far, since a check
 * may read all processes or query a service.
 */
export function pauseAfter(waited_ms: number): number {
	return Math.min(20 + waited_ms / 10, 250);
}

/** Starts a shop and waits until it has printed `ready`. Returns it with a client of its API. */
export async function startShop(folder: string, environment: Record<string, string> = {}) {
	const started_at = Date.now();
	const command = run(folder, ["start"], environment);
	const address = await readyAddress(command);
	return { ...command, address, ready_ms: Date.now() - started_at, request: client(address) };
}

/** Waits for the line `ready <address>` and returns the address. */
export async function readyAddress(command: Command, timeout_ms?: number): Promise<string> {
	return (await command.line(/^ready /, timeout_ms)).slice("ready ".length).trim();
}

/** Imports a catalogue in CSV into the shop of a folder. */
export async function importCatalogue(
	folder: string,
	csv: string,
	environment: Record<string, string>,
): Promise<void> {
	const file = join(folder, "catalogue.csv");
	writeFileSync(file, csv);
	const importing = run(folder, ["import", file], environment);
	if ((await importing.ended()) !== 0) {
		throw new Error(`npm run import failed:\n${importing.errors()}`);
	}
}

/** Returns a client that sends and receives JSON. */
export function client(address: string) {
	return async (
		method: string,
		path: string,
		{ body, token, key }: { body?: unknown; token?: string; key?: string } = {},
	) => {
		const response = await fetch(`${address}${path}`, {
			method,
			headers: {
				...(body === undefined ? {} : { "content-type": "application/json" }),
				...(token ? { authorization: `Bearer ${token}` } : {}),
				...(key ? { "idempotency-key": key } : {}),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
	};
}

export type Request = ReturnType<typeof client>;

/** Registers a user, logs in and returns the token. */
export async function signUp(request: Request, name: string): Promise<string> {
	const person = { email: `${name}@toko.test`, username: name, password: "rahasia-sekali", full_name: name };
	await request("POST", "/api/v1/users/register", { body: person });
	return logIn(request, person.email, person.password);
}

/** Logs in and returns the token. */
export async function logIn(request: Request, email: string, password: string): Promise<string> {
	const { status, body } = await request("POST", "/api/v1/users/login", { body: { email, password } });
	if (status !== 200) {
		throw new Error(`login of ${email}: ${status} ${JSON.stringify(body)}`);
	}
	return body.access_token;
}

/**
 * Returns the ids of all live processes of the shop in this folder, including servers, identified by their environment,
 * arguments or working directory.
 */
export function processesOf(folder: string): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => belongsTo(folder, pid));
}

/** Tells whether a live process, other than this one, belongs to the shop in this folder. */
export function belongsTo(folder: string, pid: number): boolean {
	if (pid === process.pid) {
		return false;
	}
	try {
		const isOurs =
			readFileSync(`/proc/${pid}/environ`, "latin1").includes(folder) ||
			readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(folder) ||
			readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
		return isOurs && !/ [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\)/, ""));
	} catch {
		return false;
	}
}

/** Returns the command line of a process, separated by spaces; empty if it has exited. */
export function commandOf(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
	} catch {
		return "";
	}
}

/** Kills all processes of a shop at once, including databases, like a power cut. */
export function powerCut(folder: string): void {
	for (const pid of processesOf(folder)) {
		try {
			process.kill(pid, "SIGKILL");
		} catch {
			// It exited together with its parent.
		}
	}
}

/** Kills all processes of a shop, including those started meanwhile, until none is left. */
export async function killAll(folder: string): Promise<void> {
	await until("all processes to exit", () => {
		powerCut(folder);
		return processesOf(folder).length === 0;
	});
}

/** Kills all processes left by the tests of a file, and removes their folders. Call it in `afterAll`. */
export async function cleanUp(): Promise<void> {
	for (const folder of folders) {
		await killAll(folder);
		rmSync(folder, { recursive: true, force: true });
	}
	folders.clear();
}

/** Waits for a condition. Fails with `what` on timeout. */
export async function until(
	what: string,
	check: () => boolean | Promise<boolean>,
	timeout_ms = TIMEOUT_MS,
): Promise<void> {
	const begun = Date.now();
	while (!(await check())) {
		const waited_ms = Date.now() - begun;
		if (waited_ms > timeout_ms) {
			throw new Error(`timed out after ${timeout_ms} ms waiting for ${what}`);
		}
		await new Promise((wake) => setTimeout(wake, pauseAfter(waited_ms)));
	}
}

/** Returns a free port. */
export async function freePort(): Promise<number> {
	return new Promise((done) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const { port } = server.address() as { port: number };
			server.close(() => done(port));
		});
	});
}
