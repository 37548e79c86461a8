import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { searchPath } from "../config/node-env.mjs";
import { PostgresClient } from "../database/postgres-client.ts";
import { choosePort } from "../infra/ports.ts";
import { findPostgresPrograms } from "../infra/postgres-programs.ts";
import { commandFor, otherThanRoot } from "../infra/unprivileged.ts";
import { until } from "../tools/shop-process.ts";

const ENVIRONMENT = { PATH: searchPath, TZ: "UTC", LC_ALL: "C" };

/** A server with its own locale and encoding. */
export interface OwnPostgres {
	/** URL of the superuser, whose password is `geheim`. */
	url: string;
	/** Folder of its socket. */
	folder: string;
	/** Runs SQL as the superuser in a database. */
	query<R extends object>(sql: string, database?: string): Promise<R[]>;
	stop(): Promise<void>;
}

/** Creates a database cluster with these options of initdb, and runs it on a free port. */
export async function startPostgres(...options: string[]): Promise<OwnPostgres> {
	const programs = await findPostgresPrograms();
	const folder = mkdtempSync(join(tmpdir(), "toko-postgres-"));
	const data = join(folder, "data");
	mkdirSync(data, { mode: 0o700 });
	const password = join(folder, "password");
	writeFileSync(password, "geheim");
	const runAs = otherThanRoot(data, folder, [programs.postgres, "--version"]);
	const { owner } = runAs;
	if (owner) {
		for (const path of [folder, data, password]) {
			chownSync(path, owner.uid, owner.gid);
		}
	}
	const as = { uid: runAs.uid, gid: runAs.gid, cwd: folder, env: ENVIRONMENT };
	const initdb = commandFor(runAs, programs.initdb, [
		`--pgdata=${data}`,
		"--username=postgres",
		`--pwfile=${password}`,
		"--auth=scram-sha-256",
		"--no-sync",
		...options,
	]);
	const made = spawnSync(initdb.file, initdb.args, { ...as, encoding: "utf8" });
	if (made.status !== 0) {
		throw new Error(`initdb: ${made.stderr}`);
	}
	const port = await choosePort();
	const command = commandFor(runAs, programs.postgres, [
		...["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1"],
		...["-c", `unix_socket_directories=${folder}`, "-c", "fsync=off"],
	]);
	const server = spawn(command.file, command.args, { ...as, stdio: "ignore" });
	const url = (database: string) => `postgres://postgres:geheim@127.0.0.1:${port}/${database}`;
	const query = async (sql: string, database = "postgres") => {
		const client = new PostgresClient({ connectionString: url(database) });
		client.on("error", () => undefined);
		try {
			await client.connect();
			return (await client.query(sql)).rows;
		} finally {
			await client.end().catch(() => undefined);
		}
	};
	await until("PostgreSQL to answer", () => query("SELECT 1").then(Boolean, () => false));
	return {
		url: url("postgres"),
		folder,
		query: query as OwnPostgres["query"],
		async stop() {
			const ended = once(server, "exit");
			server.kill("SIGINT");
			await ended;
			rmSync(folder, { recursive: true, force: true });
		},
	};
}
