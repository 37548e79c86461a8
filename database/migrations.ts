import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import type pg from "pg";
import { retryConflicts } from "./conflicts.ts";

/** The SQL files of a database. */
export interface Schema {
	/** Folder of `NNN-name.sql` files, run once each in the order of their names. Only their comments may change later. */
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
 * @throws Error of one line if the SQL of a migration was changed after it ran.
 */
export async function migrateSchema(client: pg.Client, schema: Schema): Promise<void> {
	await retryConflicts(async () => {
		await client.query("BEGIN");
		try {
			await runMissing(client, schema);
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

/**
 * Runs the migrations that the database does not have yet.
 *
 * @throws Error of one line if a migration was changed after it ran.
 */
async function runMissing(client: pg.Client, { migrations, tables = [] }: Schema): Promise<void> {
	await client.query(
		"CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, run_at timestamptz DEFAULT now())",
	);
	await client.query("ALTER TABLE migrations ADD COLUMN IF NOT EXISTS sha256 text");
	const { rows } = await client.query<{ name: string; sha256: string | null }>(
		"SELECT name, sha256 FROM migrations",
	);
	const own = (await sqlFiles(migrations)).map((name) => new URL(name, migrations));
	const files = [...own, ...tables].map((file) => ({ name: basename(file.pathname), file }));
	const digests = new Map<string, string>();
	for (const { name, file } of files) {
		digests.set(name, digestOf(await readFile(file, "utf8")));
	}
	await checkDigests(client, rows, digests);
	const done = new Set(rows.map(({ name }) => name));
	for (const { name, file } of files) {
		if (!done.has(name)) {
			await runFile(client, file);
			await client.query("INSERT INTO migrations (name, sha256) VALUES ($1, $2)", [name, digests.get(name)]);
		}
	}
}

/**
 * Compares the migrations that have run with their files. Those of an earlier version have no digest yet, and get that of
 * the file; a newer version's migrations have no file.
 */
async function checkDigests(
	client: pg.Client,
	rows: { name: string; sha256: string | null }[],
	digests: Map<string, string>,
): Promise<void> {
	for (const { name, sha256 } of rows) {
		const own = digests.get(name);
		if (own !== undefined && sha256 === null) {
			await client.query("UPDATE migrations SET sha256 = $2 WHERE name = $1", [name, own]);
		} else if (own !== undefined && sha256 !== own) {
			throw new Error(
				`${name} was changed after it ran in the database ${client.database}: restore its text and put the change into a new file with the next number, or drop this database if its data may go (docs/how-to/extend.md)`,
			);
		}
	}
}

/** Returns a digest of SQL that ignores lines of comments, blank lines and the form of line ends. */
function digestOf(sql: string): string {
	const lines = sql.split(/\r?\n/).filter((line) => !/^\s*(--|$)/.test(line));
	return createHash("sha256").update(lines.join("\n")).digest("hex");
}
