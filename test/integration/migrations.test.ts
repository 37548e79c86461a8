import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import pg from "pg";
import { service } from "../../broker/schema.ts";
import { databaseUrl } from "../../config/settings.ts";
import { postgres } from "../../mixins/postgres.ts";
import { startMigratingNode, startNode } from "./shop.ts";

const started: ServiceBroker[] = [];

afterAll(() => Promise.all(started.map((broker) => broker.stop())));

test("processes that start together on an empty server agree on one set of tables", async () => {
	started.push(
		...(await Promise.all(
			Array.from({ length: 4 }, () => startMigratingNode([], "users", "orders", "notifications")),
		)),
	);
	const outbox = [
		"lost-events.sql",
		"outbox.sql",
		"outbox-table.sql",
		"outbox-trace.sql",
		"outbox-request.sql",
		"outbox-urgent.sql",
	];
	const tables = {
		users: outbox,
		orders: outbox,
		notifications: ["inbox.sql", "inbox-batches.sql", "inbox-indexes.sql"],
	};
	for (const [database, own] of Object.entries(tables)) {
		const client = new pg.Client(databaseUrl(database));
		await client.connect();
		const { rows } = await client.query("SELECT name FROM migrations ORDER BY name");
		await client.end();
		const files = await readdir(new URL(`../../services/${database}/migrations/`, import.meta.url));
		expect(rows.map(({ name }) => name)).toEqual([...files, ...own].sort());
	}
});

test("functions of a newer version stay, those of an older one are replaced", async () => {
	const client = new pg.Client(databaseUrl("orders"));
	await client.connect();
	const body = async () => {
		const { rows } = await client.query("SELECT prosrc FROM pg_proc WHERE proname = 'expire_orders'");
		return (rows[0] as { prosrc: string }).prosrc;
	};
	const own = await body();
	const define = (version: string) =>
		client.query(`
			CREATE OR REPLACE FUNCTION expire_orders(allowed text[], target text, event jsonb, stock_task text, at_most integer)
			RETURNS integer LANGUAGE sql AS 'SELECT 0 -- another version';
			UPDATE function_versions SET version = version ${version} WHERE folder = 'orders/functions'`);
	await define("+ 1");
	await (await startNode("orders")).stop();
	expect(await body()).toContain("another version");
	await define("- 2");
	await (await startNode("orders")).stop();
	expect(await body()).toBe(own);
	await client.end();
});

test("a migration whose SQL was changed after it ran stops the start, and names the cure", async () => {
	const folder = await mkdtemp(join(tmpdir(), "toko-changed-"));
	const start = async (sql: string) => {
		await writeFile(join(folder, "001-wishes.sql"), sql);
		const broker = new ServiceBroker({ logger: false });
		const mixins = [postgres({ database: "wishes", migrations: pathToFileURL(`${folder}/`) })];
		broker.createService(service({ name: "wishes", mixins }));
		await broker.start().finally(() => broker.stop());
	};
	const asAsked = "CREATE TABLE wishes (id integer);\n";
	await start(asAsked);
	await start(`-- Comments may change.\r\n${asAsked}`);
	const refusal = /^001-wishes\.sql was changed after it ran in the database test_\w+_wishes: .+ a new file/;
	await expect(start("CREATE TABLE wishes (id bigint);\n")).rejects.toThrow(refusal);
	await start(asAsked);

	// A shop whose migrations an earlier version of Toko has run.
	const client = new pg.Client(databaseUrl("wishes"));
	await client.connect();
	await client.query("ALTER TABLE migrations DROP COLUMN sha256");
	await start(asAsked);
	await expect(start("CREATE TABLE wishes (id bigint);\n")).rejects.toThrow(refusal);
	await client.end();
	await rm(folder, { recursive: true });
});
