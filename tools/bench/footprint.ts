import { connect, type NatsConnection } from "nats";
import type pg from "pg";
import { type Database, databases } from "../../contracts/services.ts";
import { PostgresClient } from "../../database/postgres-client.ts";
import { natsUrl } from "../../infra/nats.ts";
import { postgresUrl } from "../../infra/postgres.ts";
import { readSecrets } from "../../infra/secrets.ts";
import { readRecord } from "../../infra/services-file.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { namespace, until } from "../shop-process.ts";

/** Counters of the data that a shop has written; they only grow while it works. */
export type Footprint = Record<string, number>;

const SETTLE_MS = 180_000;

/** Rows and bytes of the service's own tables with their indexes. Jobs are temporary and counted separately. */
const COUNTERS = `
	SELECT
		(SELECT sum(pg_total_relation_size(c.oid))::float8 FROM pg_class c
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace) AS bytes,
		(SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM public.%I', c.relname),
			false, true, '')))[1]::text::float8) FROM pg_class c
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace) AS rows,
		pg_database_size(current_database())::float8 AS database_bytes,
		(SELECT coalesce(last_value, 0)::float8 FROM pg_sequences
			WHERE schemaname || '.' || sequencename =
				pg_get_serial_sequence('graphile_worker._private_jobs', 'id')) AS jobs,
		(SELECT xact_commit::float8 FROM pg_stat_database WHERE datname = current_database()) AS commits,
		pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS wal`;

/** Reads the counters of the databases and of the stream of a running shop. */
export class FootprintReader {
	#clients: Map<Database, pg.Client>;
	#nats: NatsConnection;

	private constructor(clients: Map<Database, pg.Client>, nats: NatsConnection) {
		this.#clients = clients;
		this.#nats = nats;
	}

	/** Opens the databases and the stream of the shop that runs in this folder with its own servers. */
	static async open(folder: string): Promise<FootprintReader> {
		const { servers } = await readRecord(folder);
		const secrets = await readSecrets(folder, () => undefined);
		if (!servers.PostgreSQL || !servers.NATS) {
			throw new Error(`the shop in ${folder} has no servers of its own: unset POSTGRES_URL and NATS_URL`);
		}
		const server = postgresUrl(servers.PostgreSQL.port, secrets);
		const clients = new Map<Database, pg.Client>();
		for (const name of databases) {
			const url = new URL(server);
			url.pathname = `/${namespace}_${name}`;
			const client = new PostgresClient({ connectionString: url.href, application_name: "toko bench" });
			await client.connect();
			clients.set(name, client);
		}
		return new FootprintReader(clients, await connect(natsConnection(natsUrl(servers.NATS.port, secrets))));
	}

	/** Returns the process ids of the PostgreSQL backends that serve this object. */
	async processes(): Promise<number[]> {
		const found = databases.map((name) =>
			this.#query<{ pid: number }>(name, "SELECT pg_backend_pid() AS pid"),
		);
		return (await Promise.all(found)).map(({ pid }) => pid);
	}

	async read(): Promise<Footprint> {
		const footprint: Footprint = {};
		for (const name of databases) {
			const { wal, ...found } = await this.#query<Record<string, number>>(name, COUNTERS);
			// All databases are on one server, which has a single write-ahead log.
			footprint.wal = wal as number;
			for (const [what, value] of Object.entries(found)) {
				footprint[`${name} ${what}`] = value;
			}
		}
		const { state } = await (await this.#nats.jetstreamManager()).streams.info(this.#stream);
		footprint["stream events"] = state.messages;
		footprint["stream bytes"] = state.bytes;
		return footprint;
	}

	/** Waits until no job is due within a minute, no event is pending and every mail is sent. */
	async settled(): Promise<void> {
		const isQuiet = async () => {
			for (const name of databases) {
				const { due } = await this.#query<{ due: number }>(
					name,
					"SELECT count(*)::float8 AS due FROM graphile_worker.jobs WHERE run_at < now() + interval '1 minute' OR attempts > 0",
				);
				if (due > 0) {
					return false;
				}
			}
			const manager = await this.#nats.jetstreamManager();
			const { num_pending, num_ack_pending } = await manager.consumers.info(this.#stream, "notifications");
			const { queued } = await this.#query<{ queued: number }>(
				"notifications",
				"SELECT count(*)::float8 AS queued FROM notifications WHERE status = 'queued'",
			);
			return num_pending + num_ack_pending + queued === 0;
		};
		// Between the end of a job and its effects, the shop may look idle.
		let quiet = 0;
		await until(
			"the shop to finish all its jobs",
			async () => {
				quiet = (await isQuiet()) ? quiet + 1 : 0;
				return quiet === 3;
			},
			SETTLE_MS,
		);
	}

	async close(): Promise<void> {
		await Promise.all([...this.#clients.values()].map((client) => client.end()));
		await this.#nats.close();
	}

	get #stream(): string {
		return `${namespace}_events`;
	}

	async #query<R extends pg.QueryResultRow>(name: Database, sql: string): Promise<R> {
		const { rows } = await (this.#clients.get(name) as pg.Client).query<R>(sql);
		return rows[0] as R;
	}
}
