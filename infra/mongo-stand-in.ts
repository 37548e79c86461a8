import { execFile } from "node:child_process";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { searchPath } from "../config/node-env.mjs";
import { folderProblem, prepareFolder } from "./folder.ts";
import { readJson, writeWhole } from "./json-file.ts";
import { takeLock } from "./lock.ts";
import { mongoUrl, pingMongo } from "./mongo-ping.ts";
import { type PidLock, tryLock } from "./pid-lock.mjs";
import { endLeftovers } from "./processes.ts";
import { pipEnvironment } from "./programs.ts";
import { reason, StartError } from "./start-error.ts";
import { type Server, supervise } from "./supervise.ts";

const execute = promisify(execFile);
const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const REQUIREMENT = "secantusdb==0.7.0b3";

/**
 * An installed Python program: its interpreter, and the folder of its packages if the interpreter does not find them
 * itself.
 */
interface Installed {
	python: string;
	site?: string;
}

/**
 * Starts SecantusDB, a server that speaks MongoDB's protocol, for development and tests where there is no mongod.
 * Installs it once into `<directory>/bin`, stores its data in `<directory>/mongo-stand-in`, and restarts it when it
 * exits. `stop()` ends it within 3.5 s.
 */
export async function startMongoStandIn(
	directory: string,
	print: (line: string) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
	const folder = await prepareFolder(directory);
	const own = await ownMongoStandIn(folder, print);
	try {
		const portFile = join(folder, "mongo-stand-in.json");
		const known = await readJson(portFile);
		const wish = typeof known === "object" && typeof known.port === "number" ? known.port : undefined;
		const running = await supervise(own.server, wish, print, (_, port) =>
			writeWhole(portFile, JSON.stringify({ port })),
		);
		const stop = async () => {
			await running.stop();
			own.release();
		};
		return { url: mongoUrl(running.port), stop };
	} catch (error) {
		own.release();
		throw error;
	}
}

/**
 * Returns the SecantusDB of a folder, installing it if needed. One process can hold it at a time, until it releases it.
 */
export async function ownMongoStandIn(folder: string, print: (line: string) => void) {
	const lock = await takeLock(
		join(folder, "mongo-stand-in.lock"),
		(pid) =>
			`the MongoDB-compatible server of ${folder} already runs (pid ${pid}): set MONGO_URL to use it, or stop it first`,
	);
	try {
		const server = standIn(folder, await installMongoStandIn(folder, print));
		const took = `${REQUIREMENT.replace("==", " ")}, for development only`;
		return { server, took, where: join(folder, "mongo-stand-in"), release: () => lock.release() };
	} catch (error) {
		lock.release();
		throw error;
	}
}

function standIn(folder: string, { python, site }: Installed): Server {
	const data = join(folder, "mongo-stand-in");
	const config = join(data, "secantusd.toml");
	return {
		name: "SecantusDB",
		logFile: join(folder, "logs/mongo-stand-in.log"),
		stopSignal: "SIGTERM",
		portTaken: /address already in use/i,
		prepare: async () => {
			try {
				await mkdir(data, { recursive: true, mode: 0o700 });
				// An empty configuration file: without one, the server reads the one in the home folder.
				await writeFile(config, "");
			} catch (error) {
				throw folderProblem(data, error);
			}
			await endLeftovers(data, "python3", undefined, "SIGTERM", 5_000);
		},
		command: async (port) => ({
			file: python,
			args: [
				...["-c", "import sys; from secantus.cli import main; sys.exit(main())", "--config", config],
				...["--host", "127.0.0.1", "--port", String(port), "--storage-path", join(data, "data")],
				...["--sync-on-commit", "--log-level", "WARNING"],
			],
			cwd: data,
			env: {
				PATH: searchPath,
				HOME: homedir(),
				...(site === undefined ? {} : { PYTHONPATH: site }),
			},
		}),
		check: async (port) => {
			await pingMongo(mongoUrl(port), 2_000);
		},
	};
}

/** Installs SecantusDB into `<folder>/bin`, unless it is installed there or in the repository's `.toko/bin`. */
export async function installMongoStandIn(folder: string, print: (line: string) => void): Promise<Installed> {
	const bin = join(folder, "bin");
	const target = join(bin, REQUIREMENT.replace("==", "-"));
	const places = [target, join(repository, ".toko/bin", REQUIREMENT.replace("==", "-"))];
	for (const place of places) {
		const installed = await readStamp(place);
		if (installed !== null) {
			return installed;
		}
	}
	await mkdir(bin, { recursive: true, mode: 0o755 });
	const lock = await waitForLock(`${target}.lock`);
	try {
		return (await readStamp(target)) ?? (await install(target, print));
	} finally {
		lock.release();
	}
}

/** Waits for the lock. A virtual environment cannot be moved, so it cannot be installed elsewhere and renamed. */
async function waitForLock(file: string): Promise<PidLock> {
	for (;;) {
		const lock = tryLock(file);
		if (lock !== null) {
			return lock;
		}
		await wait(200);
	}
}

/** Reads the record of a completed installation; null if there is none. */
async function readStamp(target: string): Promise<Installed | null> {
	try {
		const installed = JSON.parse(await readFile(join(target, "installed.json"), "utf8")) as Installed;
		await access(installed.python);
		return installed;
	} catch {
		return null;
	}
}

async function install(target: string, print: (line: string) => void): Promise<Installed> {
	print(`installing ${REQUIREMENT} from PyPI into ${target} (once, about 145 MB)`);
	const quiet = ["install", "--quiet", "--disable-pip-version-check"];
	const patience = { timeout: 600_000, env: pipEnvironment() };
	let installed: Installed;
	try {
		await rm(target, { recursive: true, force: true });
		try {
			await execute("python3", ["-m", "venv", target], patience);
			installed = { python: join(target, "bin/python3") };
			await execute(installed.python, ["-m", "pip", ...quiet, REQUIREMENT], patience);
		} catch (error) {
			// Some systems' Python lacks venv: then install into a folder with pip, if there is pip.
			if (/No matching distribution|NewConnectionError|Read timed out/.test(String(error))) {
				throw error;
			}
			await rm(target, { recursive: true, force: true });
			const { stdout } = await execute("python3", ["-c", "import sys; print(sys.executable)"], patience);
			installed = { python: stdout.trim(), site: join(target, "site") };
			await execute(
				"python3",
				["-m", "pip", ...quiet, "--target", join(target, "site"), REQUIREMENT],
				patience,
			);
		}
	} catch (error) {
		await rm(target, { recursive: true, force: true });
		throw new StartError(
			`cannot install ${REQUIREMENT} (${lastLine(error)}): install Python 3 with venv or pip ` +
				"(`apt-get install python3-venv`), or start a MongoDB and set MONGO_URL",
		);
	}
	await writeWhole(join(target, "installed.json"), JSON.stringify(installed));
	return installed;
}

function lastLine(error: unknown): string {
	const said = (error as { stderr?: string } | null)?.stderr?.trim().split("\n").at(-1);
	return said || reason(error);
}
