import { readdir } from "node:fs/promises";
import { afterAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { startNode } from "./shop.ts";

const started: ServiceBroker[] = [];

afterAll(() => Promise.all(started.map((broker) => broker.stop())));

test("processes that start together on an empty server agree on one set of tables", async () => {
	started.push(
		...(await Promise.all(Array.from({ length: 4 }, () => startNode("users", "orders", "notifications")))),
	);
	const outbox = ["lost-events.sql", "outbox.sql", "outbox-table.sql"];
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
