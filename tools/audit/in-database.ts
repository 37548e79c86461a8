import type pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { PostgresClient } from "../../database/postgres-client.ts";

/** Calls a function in one transaction of a database, so that a retry starts from the same state. */
export async function inDatabase<T>(name: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
	const client = new PostgresClient({
		connectionString: databaseUrl(name),
		application_name: "toko audit",
		session: { idle_in_transaction_session_timeout: "0", transaction_timeout: "0" },
	});
	client.on("error", () => undefined);
	await client.connect();
	try {
		await client.query("BEGIN");
		const result = await work(client);
		await client.query("COMMIT");
		return result;
	} finally {
		await client.end();
	}
}
