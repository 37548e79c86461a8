import pg from "pg";
import { settings } from "../config/settings.ts";
import { databases } from "../contracts/services.ts";

/** Namespace of the migrated databases that start-servers.mjs has made on this run's server. */
export const TEMPLATES = "template";

/** Servers that a test starts itself have no templates. */
const server = settings.variables.POSTGRES_URL;
const known = new Set<string>();

/**
 * Creates the databases of services that the shop lacks as copies of the migrated ones, which costs a fraction of the
 * migrations.
 */
export async function copyTemplates(services: string[]): Promise<void> {
	const { namespace, variables } = settings;
	const wanted = databases.filter((name) => services.includes(name) && !known.has(`${namespace}_${name}`));
	if (wanted.length === 0 || variables.POSTGRES_URL !== server) {
		return;
	}
	const client = new pg.Client(server);
	await client.connect();
	try {
		const names = wanted.map((name) => `${namespace}_${name}`);
		const { rows } = await client.query("SELECT datname FROM pg_database WHERE datname = ANY($1)", [names]);
		const existing = new Set(rows.map(({ datname }) => datname));
		for (const name of wanted.filter((name) => !existing.has(`${namespace}_${name}`))) {
			await client
				.query(`CREATE DATABASE "${namespace}_${name}" TEMPLATE "${TEMPLATES}_${name}" STRATEGY FILE_COPY`)
				.catch((error: pg.DatabaseError) => {
					// Another node of the shop was faster: 42P04 duplicate_database, or 23505 if both are creating it.
					if (error.code !== "42P04" && error.code !== "23505") {
						throw error;
					}
				});
		}
		for (const name of names) {
			known.add(name);
		}
	} finally {
		await client.end();
	}
}
