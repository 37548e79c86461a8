import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { newestProcessed, pruneGaps, prunePositions } from "../../events/inbox-rows.ts";
import { asService } from "../../middlewares/permissions.ts";
import { eventually, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;
const database = new pg.Client(databaseUrl("notifications"));

beforeAll(async () => {
	shop = await startNode("users", "notifications");
	await database.connect();
	buyer = await newUser(shop);
});

afterAll(async () => {
	await database.end();
	await shop.stop();
});

interface Given {
	aggregate: string;
	sequence: number;
	name?: string;
	number?: string;
}

/** Publishes events directly, all at once. */
async function deliver(events: Given[]): Promise<void> {
	const broker = shop as unknown as { sendToChannel(name: string, event: object): Promise<void> };
	await Promise.all(
		events.map(({ aggregate, sequence, name = "order.paid", number = "TK-000001" }) => {
			const data = {
				...{ order_id: randomUUID(), number, user_id: buyer.id },
				...{ total_minor: 1000, currency: "IDR" },
			};
			const event = { id: randomUUID(), name, version: 1, aggregate, sequence, data };
			return broker.sendToChannel(`events.${name}`, { ...event, occurred_at: new Date().toISOString() });
		}),
	);
}

const aggregates = (count: number) => Array.from({ length: count }, () => `order:${randomUUID()}`);

async function placesOf(given: string[]): Promise<{ sequence: number; taken_at: Date }[]> {
	const { rows } = await database.query("SELECT sequence, taken_at FROM inbox WHERE aggregate = ANY ($1)", [
		given,
	]);
	return rows;
}

async function mailsOf(given: string[]): Promise<number> {
	const { rows } = await database.query(
		"SELECT count(*)::integer AS mails FROM notifications WHERE aggregate = ANY ($1) AND channel = 'email'",
		[given],
	);
	return rows[0].mails;
}

const deadLetters = () => callAction(shop, "v1.notifications.deadLetters", { limit: 100 }, asService());

/** Blocks the inbox while a function runs, as if the database were slow. */
async function whileInboxIsLocked(work: () => Promise<void>): Promise<void> {
	await database.query("BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE");
	try {
		await work();
	} finally {
		await database.query("ROLLBACK");
	}
}

test("events that have arrived share a transaction", async () => {
	const orders = aggregates(100);
	await whileInboxIsLocked(() => deliver(orders.map((aggregate) => ({ aggregate, sequence: 1 }))));
	await eventually("all events", async () => (await placesOf(orders)).length === 100);
	const transactions = new Set((await placesOf(orders)).map(({ taken_at }) => taken_at.getTime()));
	expect(transactions.size).toBeLessThan(50);
	expect(await mailsOf(orders)).toBe(100);
});

test("one poisoned event among 99 good ones becomes a dead letter and holds up none of them", async () => {
	const orders = aggregates(99);
	const [poisoned] = aggregates(1) as [string];
	const before = (await deadLetters()).length;
	await deliver([
		...orders.slice(0, 50).map((aggregate) => ({ aggregate, sequence: 1 })),
		// Valid for its contract, but not for PostgreSQL.
		{ aggregate: poisoned, sequence: 1, number: "TK-\u0000" },
		...orders.slice(50).map((aggregate) => ({ aggregate, sequence: 1 })),
	]);
	await eventually("the good ones", async () => (await mailsOf(orders)) === 99);
	await eventually("a dead letter", async () => (await deadLetters()).length === before + 1);
	await deliver([{ aggregate: poisoned, sequence: 2, name: "order.shipped" }]);
	await eventually("the event after it", async () => (await mailsOf([poisoned])) === 1);
	expect(await mailsOf(orders)).toBe(99);
});

test("events of one order that arrive together, out of order and twice, are handled once each and in order", async () => {
	const orders = aggregates(20);
	const names = ["order.paid", "order.shipped", "order.refunded"];
	const events = orders.flatMap((aggregate) =>
		[2, 0, 1, 2, 0].map((index) => ({ aggregate, sequence: index + 1, name: names[index] as string })),
	);
	await deliver(events);
	await eventually("all events", async () =>
		(await placesOf(orders)).every(({ sequence }) => sequence === 3),
	);
	await eventually("their mails", async () => (await mailsOf(orders)) === 60);
	await deliver(events);
	const [last] = aggregates(1) as [string];
	await deliver([{ aggregate: last, sequence: 1 }]);
	await eventually("a later one", async () => (await mailsOf([last])) === 1);
	expect(await mailsOf(orders)).toBe(60);
	const { rows } = await database.query(
		`SELECT DISTINCT array_agg(type ORDER BY created_at) AS types FROM notifications
		WHERE aggregate = ANY ($1) AND channel = 'email' GROUP BY aggregate`,
		[orders],
	);
	expect(rows).toEqual([{ types: ["order_paid", "order_shipped", "order_refunded"] }]);
});

test("an order that another transaction has locked holds up no other", async () => {
	const [locked, ...others] = aggregates(10) as [string, ...string[]];
	await deliver([{ aggregate: locked, sequence: 1 }]);
	await eventually("its place", async () => (await placesOf([locked])).length === 1);
	await database.query("BEGIN");
	await database.query("SELECT 1 FROM inbox WHERE aggregate = $1 FOR UPDATE", [locked]);
	try {
		const events = others.map((aggregate) => ({ aggregate, sequence: 1 }));
		await deliver([{ aggregate: locked, sequence: 2, name: "order.shipped" }, ...events]);
		const other = new pg.Client(databaseUrl("notifications"));
		await other.connect();
		await eventually("the others", async () => {
			const { rowCount } = await other.query("SELECT 1 FROM inbox WHERE aggregate = ANY ($1)", [others]);
			return rowCount === 9;
		});
		await other.end();
	} finally {
		await database.query("ROLLBACK");
	}
	await eventually("its event", async () => (await mailsOf([locked])) === 2);
});

test("old places of orders and old notes of gaps are deleted, and no others", async () => {
	const [old, young] = aggregates(2) as [string, string];
	const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
	await database.query("INSERT INTO inbox VALUES ($1, 1, $3), ($2, 1, $4), ('user:5000', 1, $3)", [
		...[old, young, ago(181), ago(179)],
	]);
	await database.query("INSERT INTO inbox_gaps VALUES ($1, 7, $3), ($2, 7, $4)", [
		old,
		young,
		ago(61),
		ago(59),
	]);
	expect(await prunePositions(database as never)).toBe(false);
	expect(await pruneGaps(database as never)).toBe(false);
	const { rows } = await database.query(
		`SELECT aggregate, 'place' AS what FROM inbox WHERE aggregate = ANY ($1)
		UNION ALL SELECT aggregate, 'gap' FROM inbox_gaps WHERE aggregate = ANY ($1) ORDER BY 1, 2`,
		[[old, young, "user:5000"]],
	);
	expect(rows).toEqual([
		{ aggregate: young, what: "gap" },
		{ aggregate: young, what: "place" },
		{ aggregate: "user:5000", what: "place" },
	]);
});

test("the newest places and the old ones are read by an index", async () => {
	const plans: string[] = [];
	const pool = {
		async query(text: string, values?: unknown[]) {
			await database.query("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
			const { rows } = await database.query(`EXPLAIN ${text}`, values);
			await database.query("ROLLBACK");
			plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
			return { rows: [], rowCount: 0 };
		},
	} as unknown as Pick<pg.Pool, "query">;
	await newestProcessed(pool, "user");
	await newestProcessed(pool, "order");
	await prunePositions(pool);
	await pruneGaps(pool);
	expect(plans).toEqual([
		expect.stringMatching(/Index Scan using inbox_newest_users/),
		expect.stringMatching(/Index Scan using inbox_newest_orders/),
		expect.stringMatching(/Scan .*\binbox_newest_orders/),
		expect.stringMatching(/Scan .*\binbox_gaps_passed/),
	]);
});
