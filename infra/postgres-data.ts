import { spawn } from "node:child_process";
import { chown, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { searchPath } from "../config/node-env.mjs";
import { folderProblem } from "./folder.ts";
import type { Identity } from "./pid-lock.mjs";
import type { PostgresPrograms } from "./postgres-programs.ts";
import { commandLine, endLeftovers } from "./processes.ts";
import type { Secrets } from "./secrets.ts";
import { StartError } from "./start-error.ts";
import { commandFor, type RunAs } from "./unprivileged.ts";

/**
 * Environment of PostgreSQL: none of Toko's variables, above all no secret, and no PGDATA or PGPORT of the operator.
 */
export const POSTGRES_ENVIRONMENT = { PATH: searchPath, TZ: "UTC", LC_ALL: "C" };

/**
 * Creates the data directory at the first start. It is initialized and provisioned under another name, then renamed, so
 * a directory with the final name is complete.
 */
export async function makeData(
	data: string,
	programs: PostgresPrograms,
	runAs: RunAs,
	secrets: Secrets,
): Promise<void> {
	if (await hasData(data, programs)) {
		return;
	}
	const unfinished = `${data}.new`;
	for (const program of ["initdb", "postgres"]) {
		await endLeftovers(unfinished, program, undefined, "SIGKILL", 0);
	}
	try {
		await rm(unfinished, { recursive: true, force: true });
		await mkdir(unfinished, { mode: 0o700 });
		const passwordFile = join(unfinished, "password");
		await writeFile(passwordFile, secrets.postgres_superuser_password, { mode: 0o600 });
		const cluster = join(unfinished, "cluster");
		await mkdir(cluster, { mode: 0o700 });
		const { owner } = runAs;
		if (owner !== undefined) {
			for (const path of [unfinished, passwordFile, cluster]) {
				await chown(path, owner.uid, owner.gid);
			}
		}
		await run(programs.initdb, initdbOptions(cluster, passwordFile), unfinished, runAs);
		await provision(cluster, programs, runAs, secrets);
		await rename(cluster, data);
		await rm(unfinished, { recursive: true, force: true });
	} catch (error) {
		await rm(unfinished, { recursive: true, force: true });
		throw folderProblem(data, error);
	}
}

function initdbOptions(cluster: string, passwordFile: string): string[] {
	return [
		`--pgdata=${cluster}`,
		"--username=postgres",
		`--pwfile=${passwordFile}`,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		// PostgreSQL's own C.UTF-8: the same on every system, and no index breaks when the system's C library changes.
		"--locale=C",
		"--locale-provider=builtin",
		"--builtin-locale=C.UTF-8",
	];
}

/**
 * Sets the passwords of secrets.json for the superuser and the services' login role. It uses a single-user server,
 * which asks for no password, so it also recovers from a lost secrets.json. The server must be stopped.
 */
export async function provision(
	data: string,
	programs: PostgresPrograms,
	runAs: RunAs,
	secrets: Secrets,
): Promise<void> {
	const sql = [
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toko') THEN CREATE ROLE toko; END IF; END $$;",
		`ALTER ROLE toko LOGIN CREATEDB NOSUPERUSER NOCREATEROLE PASSWORD '${secrets.postgres_password}';`,
		`ALTER ROLE postgres PASSWORD '${secrets.postgres_superuser_password}';`,
	];
	await run(programs.postgres, ["--single", "-D", data, "postgres"], data, runAs, `${sql.join("\n")}\n`);
}

/** Frees a data directory from an earlier run: ends its processes, then removes postmaster.pid. */
export async function freeData(data: string, recorded: Identity | undefined): Promise<void> {
	// Only the postmaster gets SIGINT (fast shutdown): its child processes interpret the signal differently, and exit
	// with it.
	await endLeftovers(
		data,
		"postgres",
		recorded,
		"SIGINT",
		10_000,
		(pid) => !commandLine(pid).startsWith("postgres:"),
	);
	const pidFile = join(data, "postmaster.pid");
	const pid = Number((await readFile(pidFile, "utf8").catch(() => "")).split("\n")[0]);
	// The pid in the file may belong to another program by now, and PostgreSQL would then refuse to start. Without /proc
	// it is unknown whether a server uses the directory, so the file stays if the process is called postgres.
	if (process.platform !== "linux" && pid > 0 && /postgres/.test(commandLine(pid))) {
		throw new StartError(`PostgreSQL (pid ${pid}) still uses ${data}: end it with \`kill -INT ${pid}\``);
	}
	await rm(pidFile, { force: true });
}

async function hasData(data: string, programs: PostgresPrograms): Promise<boolean> {
	const version = (await readFile(join(data, "PG_VERSION"), "utf8").catch(() => "")).trim();
	const found = await stat(data).catch(() => null);
	if (version === "") {
		if (found === null || (found.isDirectory() && (await isEmpty(data)))) {
			return false;
		}
		throw new StartError(
			`${data} is no PostgreSQL data folder: move it away, or set TOKO_DIR to another folder`,
		);
	}
	const major = programs.version.split(".")[0];
	if (version !== major) {
		throw new StartError(
			`${data} was written by PostgreSQL ${version} and this is ${major}: set TOKO_DIR to another folder, ` +
				"or start that version and set POSTGRES_URL",
		);
	}
	const own = process.getuid?.();
	if (own !== undefined && own !== 0 && found?.uid !== own) {
		throw new StartError(
			`${data} belongs to user ${found?.uid}, this is ${own}: \`chown -R\` it, or set TOKO_DIR`,
		);
	}
	return true;
}

/** Removes an empty folder of that name, such as a fresh volume. A folder with files is not deleted. */
async function isEmpty(folder: string): Promise<boolean> {
	if ((await readdir(folder)).length > 0) {
		return false;
	}
	await rmdir(folder);
	return true;
}

async function run(file: string, args: string[], cwd: string, runAs: RunAs, input = ""): Promise<void> {
	const command = commandFor(runAs, file, args);
	const { uid, gid } = runAs;
	const child = spawn(command.file, command.args, { uid, gid, cwd, env: POSTGRES_ENVIRONMENT });
	let output = "";
	child.stdout.on("data", (chunk) => (output += chunk));
	child.stderr.on("data", (chunk) => (output += chunk));
	child.stdin.on("error", () => {});
	child.stdin.end(input);
	const code = await new Promise<number | string | null>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (exit, signal) => resolve(exit ?? signal));
	});
	if (code === 0 && !/\bERROR:/.test(output)) {
		return;
	}
	if (/No space left|wrote only/.test(output)) {
		throw Object.assign(new Error(output), { code: "ENOSPC" });
	}
	const line = output.split("\n").findLast((text) => /error|FATAL/i.test(text)) ?? `ended with ${code}`;
	throw new StartError(
		`PostgreSQL's data folder could not be made: ${line.replace(/^.*?(FATAL|ERROR|error): */, "")}`,
	);
}
