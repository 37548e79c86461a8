import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

/** Counters of a PostgreSQL server since its start. */
export interface PostgresCount {
	/** Committed transactions of all databases, including read-only ones. */
	commits: number;
	/** Transactions that wrote data, including the few that were rolled back. */
	writes: number;
	/** Bytes of the write-ahead log. */
	wal_bytes: number;
}

/** Maximum delay until idle PostgreSQL backends report their counters (10 s, PGSTAT_IDLE_INTERVAL). */
export const FLUSH_MS = 10_500;

const COUNT = `SELECT
	(SELECT sum(xact_commit)::float8 FROM pg_stat_database) AS commits,
	pg_snapshot_xmax(pg_current_snapshot())::text::float8 AS writes,
	pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS wal_bytes`;

/** Reads counters and rows of the PostgreSQL server in the folder of a shop or a limit. */
export class PostgresCounters {
	#url: URL;
	#client: pg.Client;
	/** Commits of this object's own queries, which are not part of the measurement. */
	#own_commits = 0;
	pid = 0;

	private constructor(url: URL, client: pg.Client) {
		this.#url = url;
		this.#client = client;
	}

	static async open(folder: string): Promise<PostgresCounters> {
		const url = postgresUrl(folder);
		const client = new pg.Client({ connectionString: url.href });
		client.on("error", () => undefined);
		await client.connect();
		const counters = new PostgresCounters(url, client);
		const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
		counters.pid = rows[0]?.pid as number;
		return counters;
	}

	async count(): Promise<PostgresCount> {
		const { rows } = await this.#client.query<PostgresCount>(COUNT);
		const { commits, writes, wal_bytes } = rows[0] as PostgresCount;
		return { commits: commits - this.#own_commits++, writes, wal_bytes };
	}

	/** Returns the number of orders in the database that contains them. */
	async orders(): Promise<number> {
		const { rows } = await this.#client.query<{ datname: string }>(
			"SELECT datname FROM pg_database WHERE datname ~ '(^|_)orders$' OR datname = 'limit'",
		);
		const url = new URL(this.#url);
		url.pathname = `/${rows[0]?.datname}`;
		const client = new pg.Client({ connectionString: url.href });
		await client.connect();
		try {
			const counted = await client.query<{ n: number }>("SELECT count(*)::float8 AS n FROM orders");
			return counted.rows[0]?.n as number;
		} finally {
			await client.end();
		}
	}

	async close(): Promise<void> {
		await this.#client.end().catch(() => undefined);
	}
}

/**
 * Returns the PostgreSQL URL of a shop or limit. Reads the port from the fourth line of postmaster.pid and the password
 * from secrets.json in the folder.
 *
 * @param role `toko`, as used by the shop, or `postgres`, the superuser.
 */
export function postgresUrl(folder: string, role: "toko" | "postgres" = "toko"): URL {
	const port = readFileSync(join(folder, "postgres/postmaster.pid"), "utf8").split("\n")[3];
	const secrets = JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
	const url = new URL(`postgres://${role}@127.0.0.1:${port}/postgres`);
	url.password = role === "toko" ? secrets.postgres_password : secrets.postgres_superuser_password;
	return url;
}
