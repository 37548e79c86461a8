import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import type pg from "pg";
import { Umzug } from "umzug";
import { retryConflicts } from "./conflicts.ts";

/** The SQL files of a database. */
export interface Schema {
	/** Folder of `NNN-name.sql` files, run once each in the order of their names. */
	migrations: URL;
	/** SQL files of mixins, run once each after the migrations. */
	tables?: URL[];
	/**
	 * Folders of `name.sql` files, each the only definition of a function, with other repeatable statements.
	 * The folder's `version.json` contains a `version`, to be raised with each change, and the `sha256` of all files,
	 * which a test compares.
	 */
	functions?: URL[];
}

/**
 * Migrates a database: runs the missing migrations, and defines the functions of folders whose version is higher than
 * that of the database. All of it is one transaction, so that no process sees new tables with old functions. An older
 * process that starts later leaves newer functions unchanged.
 *
 * @param client Holds the migration lock.
 */
export async function migrateSchema(client: pg.Client, schema: Schema): Promise<void> {
	await retryConflicts(async () => {
		await client.query("BEGIN");
		try {
			await migrationsOf(client, schema).up();
			for (const folder of schema.functions ?? []) {
				await defineFunctions(client, folder);
			}
			await client.query("COMMIT");
		} catch (error) {
			await client.query("ROLLBACK");
			throw error;
		}
	});
}

/** Returns the function files of a folder, in the order of its checksum. */
export async function functionFiles(folder: URL): Promise<URL[]> {
	return (await sqlFiles(folder)).map((name) => new URL(name, folder));
}

async function sqlFiles(folder: URL): Promise<string[]> {
	return (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
}

async function defineFunctions(client: pg.Client, folder: URL): Promise<void> {
	await client.query(
		"CREATE TABLE IF NOT EXISTS function_versions (folder text PRIMARY KEY, version integer NOT NULL)",
	);
	const { version } = JSON.parse(await readFile(new URL("version.json", folder), "utf8")) as {
		version: number;
	};
	const name = folder.pathname.split("/").slice(-3, -1).join("/");
	const { rowCount } = await client.query(
		`INSERT INTO function_versions AS known (folder, version) VALUES ($1, $2)
		ON CONFLICT (folder) DO UPDATE SET version = excluded.version WHERE known.version < excluded.version`,
		[name, version],
	);
	if (rowCount === 0) {
		return;
	}
	// Functions may call each other, and PostgreSQL would check the bodies of SQL functions when it defines them.
	await client.query("SET LOCAL check_function_bodies = off");
	for (const file of await functionFiles(folder)) {
		await runFile(client, file);
	}
}

async function runFile(client: pg.Client, file: URL): Promise<void> {
	await client.query(await readFile(file, "utf8")).catch((error: Error) => {
		throw Object.assign(new Error(`${basename(file.pathname)} failed: ${error.message}`, { cause: error }), {
			code: (error as { code?: string }).code,
		});
	});
}

function migrationsOf(client: pg.Client, { migrations, tables = [] }: Schema): Umzug<pg.Client> {
	return new Umzug({
		context: client,
		logger: undefined,
		migrations: async () => {
			const own = (await sqlFiles(migrations)).map((name) => new URL(name, migrations));
			return [...own, ...tables].map((file) => ({
				name: basename(file.pathname),
				up: () => runFile(client, file),
			}));
		},
		storage: {
			async executed() {
				await client.query(
					"CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, run_at timestamptz DEFAULT now())",
				);
				const { rows } = await client.query<{ name: string }>("SELECT name FROM migrations");
				return rows.map((row) => row.name);
			},
			async logMigration({ name }) {
				await client.query("INSERT INTO migrations (name) VALUES ($1)", [name]);
			},
			async unlogMigration({ name }) {
				await client.query("DELETE FROM migrations WHERE name = $1", [name]);
			},
		},
	});
}
