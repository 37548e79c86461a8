import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PostgresClient } from "../database/postgres-client.ts";
import type { Identity } from "./pid-lock.mjs";
import { freeData, makeData, POSTGRES_ENVIRONMENT, provision } from "./postgres-data.ts";
import { findPostgresPrograms } from "./postgres-programs.ts";
import type { Secrets } from "./secrets.ts";
import { codeOf } from "./start-error.ts";
import { RefusedLogin, type Server } from "./supervise.ts";
import { commandFor, otherThanRoot } from "./unprivileged.ts";

/**
 * Returns the URL of the PostgreSQL server that Toko started, for a role that may create databases and is no superuser.
 */
export function postgresUrl(port: number, secrets: Secrets): string {
	return `postgres://toko:${secrets.postgres_password}@127.0.0.1:${port}/postgres`;
}

/**
 * Returns the embedded PostgreSQL, with its data in `<directory>/postgres`, which is created at the first start.
 *
 * @param recorded The server of an earlier run, if parts.json names one.
 */
export async function embeddedPostgres(directory: string, secrets: Secrets, recorded?: Identity) {
	const programs = await findPostgresPrograms();
	const data = join(directory, "postgres");
	const runAs = otherThanRoot(data, directory, [programs.postgres, "--version"]);
	const server: Server = {
		name: "PostgreSQL",
		logFile: join(directory, "logs/postgres.log"),
		stopSignal: "SIGINT",
		portTaken: /could not create any TCP\/IP sockets/,
		transient: /pre-existing shared memory block|lock file "postmaster.pid" already exists/,
		prepare: async () => {
			await makeData(data, programs, runAs, secrets);
			await freeData(data, recorded);
		},
		command: async (port) => ({
			...commandFor(runAs, programs.postgres, ["-D", data, "-p", String(port), ...OPTIONS]),
			cwd: data,
			uid: runAs.uid,
			gid: runAs.gid,
			env: POSTGRES_ENVIRONMENT,
		}),
		check: async (port, pid) => {
			await listens(data, pid);
			await login(postgresUrl(port, secrets));
		},
		repair: async () => {
			await freeData(data, undefined);
			await provision(data, programs, runAs, secrets);
		},
	};
	return { server, took: `embedded PostgreSQL ${programs.version}`, where: data };
}

// No Unix socket: its path is limited to 107 bytes, which a TOKO_DIR may exceed.
const OPTIONS = [
	"listen_addresses=127.0.0.1",
	"unix_socket_directories=",
	"max_connections=300",
	"logging_collector=off",
	"log_destination=stderr",
	// Details of errors quote rows, which contain personal data.
	"log_error_verbosity=terse",
	"lc_messages=C",
].flatMap((setting) => ["-c", setting]);

/**
 * Throws until the server with that pid listens on its port. The server on the port may belong to a copied folder, with
 * the same password.
 */
async function listens(data: string, pid: number): Promise<void> {
	const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
	// Format as in PostgreSQL's src/include/utils/pidfile.h: the pid in line 1, the state in line 8.
	if (Number(lines[0]) !== pid || lines[7]?.trim() !== "ready") {
		throw new Error("not ready");
	}
}

async function login(url: string): Promise<void> {
	const client = new PostgresClient({ connectionString: url, connectionTimeoutMillis: 2_000 });
	client.on("error", () => {});
	try {
		await client.connect();
		await client.query("SELECT 1");
	} catch (error) {
		if (/^28/.test(codeOf(error))) {
			throw new RefusedLogin();
		}
		throw error;
	} finally {
		await client.end().catch(() => {});
	}
}
