import pg from "pg";
import { PostgresClient } from "./postgres-client.ts";

const OWN_LOCALE = "TEMPLATE template0 ENCODING 'UTF8'";
/** On older servers `lower()` folds only ASCII letters; Toko does not rely on it for others. */
const C_LOCALE = "LC_COLLATE 'C' LC_CTYPE 'C'";
const WITH_PROVIDER = 150_000;
const WITH_BUILTIN = 170_000;

/**
 * Creates a database if it is missing, in UTF-8 and with a locale that every server of its version has, so that neither
 * the server's template nor its operating system decides how text is stored and compared.
 *
 * @param url URL of an existing database.
 */
export async function createDatabase(url: string, name: string): Promise<void> {
	// Creating a database may take long on a slow disk, so the role's time limits do not apply.
	const client = new PostgresClient({
		connectionString: url,
		session: { statement_timeout: "0", lock_timeout: "0" },
	});
	client.on("error", () => undefined);
	await client.connect();
	try {
		const { rows } = await client.query<{ version: number; is_read_only: boolean; is_there: boolean }>(
			`SELECT current_setting('server_version_num')::integer AS version,
				current_setting('transaction_read_only')::boolean AS is_read_only,
				EXISTS (SELECT FROM pg_database WHERE datname = $1) AS is_there`,
			[name],
		);
		const { version, is_read_only, is_there } = rows[0] as (typeof rows)[number];
		if (!is_there) {
			if (is_read_only) {
				throw readOnly(name);
			}
			await client.query(creation(name, version)).catch((error: pg.DatabaseError) => {
				// Another process was faster: 42P04 duplicate_database, or 23505 if both are creating it.
				if (error.code !== "42P04" && error.code !== "23505") {
					throw error;
				}
			});
		}
	} finally {
		await client.end();
	}
}

/** Returns the command that creates a database on a server of this version (`server_version_num`). */
export function creation(name: string, version: number): string {
	const provider =
		version >= WITH_BUILTIN
			? "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' "
			: version >= WITH_PROVIDER
				? "LOCALE_PROVIDER libc "
				: "";
	return `CREATE DATABASE ${pg.escapeIdentifier(name)} ${OWN_LOCALE} ${provider}${C_LOCALE}`;
}

/**
 * Rejects a database that was created in a way that would lose or confuse text, a read-only one, and one whose tables
 * are in a schema that `ALTER ROLE … SET search_path` or PGOPTIONS once named.
 *
 * @throws Error of one line that names the database, the problem and the remedy.
 */
export async function checkDatabase(client: pg.Client): Promise<void> {
	const { rows } = await client.query<DatabaseProperties>(PROPERTIES);
	const { name, version, encoding, folds, is_read_only, schema } = rows[0] as DatabaseProperties;
	const remedy = `drop it if it is empty, and Toko creates it; otherwise restore a dump of it into a database created by ${creation(name, version)}`;
	if (encoding !== "UTF8") {
		throw new Error(`the database ${name} has the encoding ${encoding}, not UTF8: ${remedy}`);
	}
	if (!folds) {
		throw new Error(`the database ${name} has a locale in which "i" is not the lowercase of "I": ${remedy}`);
	}
	if (is_read_only) {
		throw readOnly(name);
	}
	if (schema !== null) {
		throw new Error(
			`the tables of the database ${name} are in its schema ${schema}: add options=-c%20search_path%3D${schema} to POSTGRES_URL, after ? or &`,
		);
	}
}

function readOnly(name: string): Error {
	return new Error(
		`the database ${name} is read-only: name the primary in POSTGRES_URL, or reset default_transaction_read_only of the role or database`,
	);
}

interface DatabaseProperties {
	name: string;
	version: number;
	encoding: string;
	folds: boolean;
	is_read_only: boolean;
	schema: string | null;
}

// Only ASCII letters, so that the server can parse the query in any encoding.
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const PROPERTIES = `
	SELECT current_database() AS name, current_setting('server_version_num')::integer AS version,
		current_setting('server_encoding') AS encoding,
		lower('${LETTERS.toUpperCase()}') = '${LETTERS}' AND upper('${LETTERS}') = '${LETTERS.toUpperCase()}' AS folds,
		current_setting('transaction_read_only')::boolean AS is_read_only,
		(
			SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relname = 'migrations' AND c.relkind = 'r' AND to_regclass('migrations') IS NULL
				AND n.nspname <> 'graphile_worker' AND EXISTS (SELECT FROM pg_namespace WHERE nspname = 'graphile_worker')
			LIMIT 1
		) AS schema`;
