import "../config/environment.ts";

import { randomUUID } from "node:crypto";
import { runMigrations } from "graphile-worker";
import type { ServiceSchema } from "moleculer";
import type pg from "pg";
import { parse } from "pg-connection-string";
import { mixin } from "../broker/schema.ts";
import { databaseUrl, settings } from "../config/settings.ts";
import { checkSharedSettings, type SettingsRecord } from "../config/shared-settings.ts";
import { retryConflicts, retryConflictsOf } from "../database/conflicts.ts";
import { migrateSchema, type Schema } from "../database/migrations.ts";
import { BY_KEY, HEARTBEAT_SESSION, PostgresClient, postgresPool } from "../database/postgres-client.ts";
import { checkDatabase, createDatabase } from "../database/postgres-database.ts";
import type { PostgresService } from "../database/postgres-service.ts";
import { STORE_ID, type Store, type Watch, watchStore } from "../database/store-identity.ts";

interface PostgresOptions extends Schema {
	/** Name of the database without the shop's prefix: `users` becomes `toko_users`. */
	database: string;
	/** Query for the `currency` of any amount in this database; returns no row if there is none. */
	amounts?: string;
	/** Maximum number of connections of one process to this database. */
	connections?: number;
}

/** Id of the advisory lock for migrations: an arbitrary number, the same in all of Toko. */
const MIGRATION_LOCK = 7_706_559;
/** Schema of graphile-worker's tables, which Toko's SQL also names. */
export const JOBS_SCHEMA = "graphile_worker";

/**
 * PostgreSQL database of a service, opened as `this.pool`. At the start it is created and migrated under an advisory
 * lock, so that processes that start together do not collide.
 */
export function postgres(options: PostgresOptions): Partial<ServiceSchema> {
	return mixin<PostgresService>({
		methods: {
			migrate(this: PostgresService) {
				return migrate(options, (line) => this.logger.warn(line));
			},
			transaction<T>(this: PostgresService, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
				return retryConflicts(() => inTransaction(this.pool, work));
			},
		},
		created(this: PostgresService) {
			this.pool = postgresPool({
				connectionString: databaseUrl(options.database),
				max: options.connections ?? 10,
				application_name: `toko ${options.database}`,
				session: BY_KEY,
			});
			retryConflictsOf(this.pool);
			// Idle connections fail when the server restarts; the pool opens new ones by itself.
			this.pool.on("error", (error) => this.logger.warn(`PostgreSQL connection lost: ${error.message}`));
		},
		async started(this: WatchedService) {
			await this.migrate();
			this.watch = await watchStore(this.broker, storeOf(this.pool, options.database));
			this.pool.on("error", () => void this.watch?.recheck());
		},
		async stopped(this: WatchedService) {
			await this.watch?.stop();
			await this.pool.end();
		},
	});
}

interface WatchedService extends PostgresService {
	watch?: Watch;
}

/** Describes the location of a database. */
export function databasePlace(database: string): string {
	const { host, port } = parse(databaseUrl(database));
	return `the database ${settings.namespace}_${database} at ${host ?? "localhost"}:${port ?? 5432}`;
}

/** Returns a database as a store of the shop. */
function storeOf(pool: Pick<pg.Pool, "query">, database: string): Store {
	return {
		name: database,
		where: databasePlace(database),
		variable: "POSTGRES_URL",
		async readId() {
			const { rows } = await pool.query("SELECT value FROM shop_settings WHERE name = $1", [STORE_ID]);
			return (rows[0] as { value: string }).value;
		},
	};
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
	const client = await pool.connect();
	let broken: Error | undefined;
	try {
		await client.query("BEGIN");
		const result = await work(client);
		await client.query("COMMIT");
		return result;
	} catch (error) {
		await client.query("ROLLBACK").catch((failure: Error) => {
			broken = failure;
		});
		throw error;
	} finally {
		client.release(broken);
	}
}

/** Removes the role's time limits, since a migration may wait for another process or rewrite a large table. */
const UNLIMITED = {
	statement_timeout: "0",
	lock_timeout: "0",
	transaction_timeout: "0",
	idle_in_transaction_session_timeout: "0",
};
/** Interval of queries that keep the lock's session alive; PostgreSQL ends the session of a frozen process. */
const HEARTBEAT_MS = 2000;

async function migrate(
	{ database, amounts, ...schema }: PostgresOptions,
	warn: (line: string) => void,
): Promise<void> {
	await createDatabase(settings.postgresUrl, `${settings.namespace}_${database}`);
	const options = { connectionString: databaseUrl(database), session: UNLIMITED, query_timeout: 0 };
	const client = new PostgresClient({ ...options, session: { ...UNLIMITED, ...HEARTBEAT_SESSION } });
	await client.connect();
	const pool = postgresPool({ ...options, max: 2 });
	pool.on("error", () => undefined);
	const heartbeat = setInterval(() => client.query("SELECT 1").catch(() => undefined), HEARTBEAT_MS);
	try {
		await checkDatabase(client);
		await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
		// Toko's migrations call graphile-worker's functions, so its tables come first.
		await runMigrations({ pgPool: pool, schema: JOBS_SCHEMA });
		await migrateSchema(client, schema);
		const record = settingsRecord(client, `${settings.namespace}_${database}`, amounts);
		await checkSharedSettings(record, warn);
		await record.add({ [STORE_ID]: randomUUID() });
	} finally {
		clearInterval(heartbeat);
		await pool.end();
		await client.end();
	}
}

/** Settings that the data were created with, in a table of the database. Access requires the migration lock. */
function settingsRecord(client: pg.Client, name: string, amounts: string | undefined): SettingsRecord {
	const write = (onConflict: string) => async (values: Record<string, string>) => {
		await client.query(
			`INSERT INTO shop_settings AS s (name, value) SELECT * FROM jsonb_each_text($1) ON CONFLICT (name) DO ${onConflict}`,
			[JSON.stringify(values)],
		);
	};
	return {
		store: `the database ${name}`,
		async read() {
			await client.query(
				"CREATE TABLE IF NOT EXISTS shop_settings (name text PRIMARY KEY, value text NOT NULL)",
			);
			const { rows } = await client.query<{ name: string; value: string }>("SELECT * FROM shop_settings");
			return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
		},
		add: write("NOTHING"),
		change: write("UPDATE SET value = excluded.value"),
		async currencyOfAmounts() {
			const { rows } = amounts ? await client.query<{ currency: string | null }>(amounts) : { rows: [] };
			return rows[0]?.currency;
		},
	};
}
