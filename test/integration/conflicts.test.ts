import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PoolClient } from "pg";
import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import { eventually, startNode } from "./shop.ts";

let shop: ServiceBroker;
let service: PostgresService;

beforeAll(async () => {
	shop = await startNode("orders");
	service = shop.getLocalService({ name: "orders", version: 1 }) as unknown as PostgresService;
	await service.pool.query(`
		CREATE TABLE counters (name text PRIMARY KEY, value integer NOT NULL DEFAULT 0);
		INSERT INTO counters (name) VALUES ('one'), ('two'), ('three');
		CREATE FUNCTION count_both(first text, second text) RETURNS void LANGUAGE plpgsql AS $$
		BEGIN
			UPDATE counters SET value = value + 1 WHERE name = first;
			PERFORM pg_sleep(0.2);
			UPDATE counters SET value = value + 1 WHERE name = second;
		END
		$$`);
});

afterAll(() => shop.stop());

async function counters() {
	const { rows } = await service.pool.query("SELECT name, value FROM counters ORDER BY name");
	return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

const count = (client: Pick<PoolClient, "query">, name: string) =>
	client.query("UPDATE counters SET value = value + 1 WHERE name = $1", [name]);

test("two transactions that lock the same rows in different orders both succeed", async () => {
	const before = await counters();
	let tries = 0;
	let locked = 0;
	const run = (first: string, second: string) =>
		service.transaction(async (client) => {
			tries++;
			await count(client, first);
			locked++;
			await eventually("both to hold their first row", async () => locked >= 2);
			await count(client, second);
		});
	await Promise.all([run("one", "two"), run("two", "one")]);
	// One is tried again, and once more each time it gets its first row back before the other one, which waits for it.
	expect(tries).toBeGreaterThanOrEqual(3);
	expect(await counters()).toEqual({ ...before, one: before.one + 2, two: before.two + 2 });
});

test("so are two statements, and their functions", async () => {
	const before = await counters();
	const run = (first: string, second: string) =>
		service.pool.query("SELECT count_both($1, $2)", [first, second]);
	await Promise.all([run("one", "two"), run("two", "one")]);
	expect(await counters()).toEqual({ ...before, one: before.one + 2, two: before.two + 2 });
});

test("a transaction that cannot be serialized is retried from the start", async () => {
	const before = await counters();
	let tries = 0;
	await service.transaction(async (client) => {
		await client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
		const { rows } = await client.query("SELECT value FROM counters WHERE name = 'three'");
		if (tries++ === 0) {
			await count(service.pool, "three");
		}
		await client.query("UPDATE counters SET value = $1 WHERE name = 'three'", [rows[0].value + 1]);
	});
	expect(tries).toBe(2);
	expect(await counters()).toEqual({ ...before, three: before.three + 2 });
});

test("other failures, and repeated ones, are reported", async () => {
	let tries = 0;
	const fail = (sqlstate: string) =>
		service.transaction(async (client) => {
			tries++;
			await client.query(`DO $$ BEGIN RAISE 'no' USING ERRCODE = '${sqlstate}'; END $$`);
		});
	await expect(fail("23505")).rejects.toMatchObject({ code: "23505" });
	expect(tries).toBe(1);
	await expect(fail("40P01")).rejects.toMatchObject({ code: "40P01" });
	expect(tries).toBe(6);
});

test("a conflict that persists is 503 to the caller, who may try again", async () => {
	const id = randomUUID();
	await service.pool.query(
		`INSERT INTO orders (id, user_id, status, total_minor, currency, expires_at)
		VALUES ($1, 1, 'pending', 15000, 'IDR', now() + interval '1 hour')`,
		[id],
	);
	await service.pool.query(`
		CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END
		$$;
		CREATE TRIGGER conflict BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION conflict()`);
	const cancel = () => callAction(shop, "v1.orders.cancel", { id }, asService());
	await expect(cancel()).rejects.toMatchObject({ code: 503, type: "UNAVAILABLE" });
	await service.pool.query("DROP FUNCTION conflict CASCADE");
});

test("prepared statements survive a schema change that alters their columns", async () => {
	await service.pool.query("CREATE TABLE widening (id integer PRIMARY KEY); INSERT INTO widening VALUES (1)");
	const ask = async () =>
		(await service.pool.query("SELECT * FROM widening WHERE id = $1", [1])).rows as unknown[];
	const askInside = () =>
		service.transaction(
			async (client) => (await client.query("SELECT * FROM widening WHERE id = $1", [1])).rows as unknown[],
		);
	expect([await ask(), await askInside()]).toEqual([[{ id: 1 }], [{ id: 1 }]]);
	await service.pool.query("ALTER TABLE widening ADD COLUMN name text NOT NULL DEFAULT 'x'");
	const wider = [{ id: 1, name: "x" }];
	expect([await ask(), await askInside(), await ask()]).toEqual([wider, wider, wider]);
});

test("a statement with values is parsed once in a session", async () => {
	const client = await service.pool.connect();
	try {
		for (const value of [1, 2, 3]) {
			await client.query("SELECT $1::integer + 41 AS parsed_once", [value]);
		}
		const { rows } = await client.query(
			"SELECT generic_plans + custom_plans AS runs FROM pg_prepared_statements WHERE statement LIKE '%parsed_once'",
		);
		expect(rows).toEqual([{ runs: "3" }]);
	} finally {
		client.release();
	}
});
