import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { audit } from "../../audit/audit.ts";
import { repair } from "../../audit/repair.ts";
import { openSources, type Sources } from "../../audit/sources.ts";
import { streamConfig } from "../../mixins/events.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;
let sources: Sources;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders", "notifications");
	buyer = await newUser(shop);
	sources = await openSources();
	// The sweeper would mend what these tests break.
	await local<{ sweeper: Sweeper }>("products").sweeper.stop();
});

afterAll(async () => {
	await sources.close();
	await shop.stop();
});

const local = <S>(name: string) => shop.getLocalService({ name, version: 1 }) as unknown as S;
const sql = (name: string, text: string, values: unknown[] = []) =>
	local<JobsService>(name).pool.query(text, values);
const breaches = async () => (await audit(sources, 20_000)).breaches;

async function newOrder() {
	const product = await newProduct(shop, 10);
	const order = await buyer.call("v1.orders.place", {
		items: [{ product_id: product.id, quantity: 2 }],
		idempotency_key: randomUUID(),
	});
	const { rows } = await sql("orders", "SELECT id FROM reservations WHERE order_id = $1", [order.id]);
	return { product, order, reservation_id: rows[0].id as string };
}

async function paidOrder() {
	const made = await newOrder();
	await buyer.call("v1.orders.pay", { id: made.order.id });
	await eventually("the hold to go", async () => (await stockOf(shop, made.product.id))?.held === 0);
	return made;
}

/** What was broken is put right again, and then nothing is found any more. */
let mend: () => Promise<unknown>;
afterEach(async () => {
	await mend?.();
	mend = async () => undefined;
	expect(await breaches()).toEqual([]);
});

test("the audit names an event that was published and that nobody has, and repairs it", async () => {
	const { order } = await newOrder();
	const aggregate = `order:${order.id}`;
	const mail = () =>
		sql(
			"notifications",
			"SELECT 1 FROM notifications WHERE aggregate = $1 AND type = 'order_confirmation' AND status = 'sent'",
			[aggregate],
		);
	await eventually("its mail", async () => (await mail()).rowCount === 1);
	await sql("notifications", "DELETE FROM inbox WHERE aggregate = $1", [aggregate]);
	await sql("notifications", "DELETE FROM notifications WHERE aggregate = $1", [aggregate]);
	const found = await breaches();
	expect(found).toEqual([
		expect.objectContaining({
			document: `order ${order.number}`,
			what: "event 0 of 1 was the last to be taken in",
			events: [{ database: "orders", aggregate, sequence: 1 }],
		}),
	]);
	await repair(found, true, () => undefined);
	await eventually("its mail, once more", async () => (await mail()).rowCount === 1);
});

test("the audit names an event that was passed over, and repairs it", async () => {
	const { order } = await paidOrder();
	const aggregate = `order:${order.id}`;
	const taken = () =>
		sql("notifications", "SELECT 1 FROM inbox WHERE aggregate = $1 AND sequence = 2", [aggregate]);
	await eventually("both events", async () => (await taken()).rowCount === 1);
	await eventually("nothing to be on its way", async () => (await sources.eventsUnderWay()) === 0);
	await sql("notifications", "INSERT INTO inbox_gaps VALUES ($1, 1)", [aggregate]);
	await sql(
		"notifications",
		"DELETE FROM notifications WHERE aggregate = $1 AND type = 'order_confirmation'",
		[aggregate],
	);
	const found = await breaches();
	expect(found).toEqual([
		expect.objectContaining({ what: "event 1 of 2 was passed over and has not come since" }),
	]);
	await repair(found, true, () => undefined);
	await eventually("the gap to close", async () => {
		const { rowCount } = await sql("notifications", "SELECT 1 FROM inbox_gaps WHERE aggregate = $1", [
			aggregate,
		]);
		return rowCount === 0;
	});
});

test("the audit names an event that was put aside, and has it tried again", async () => {
	const { order } = await newOrder();
	const aggregate = `order:${order.id}`;
	const set = (version: number) =>
		sql("orders", "UPDATE outbox SET version = $2 WHERE aggregate = $1 AND sequence = 2", [
			aggregate,
			version,
		]);
	await sql("orders", "SELECT publish('order.completed', 77, $1, '{}')", [aggregate]);
	await eventually("it to be put aside", async () => {
		const { rowCount } = await sql("orders", "SELECT 1 FROM outbox WHERE refusal IS NOT NULL");
		return rowCount === 1;
	});
	mend = async () => {
		const { rows } = await sql(
			"orders",
			"SELECT stream_sequence::float8 AS position FROM outbox WHERE aggregate = $1 AND sequence = 2",
			[aggregate],
		);
		const manager = await sources.nats.jetstreamManager();
		await manager.streams.deleteMessage(streamConfig().name, rows[0].position);
		await sql("orders", "DELETE FROM outbox WHERE aggregate = $1 AND sequence = 2", [aggregate]);
		await sql("orders", "UPDATE event_sequences SET sequence = 1 WHERE aggregate = $1", [aggregate]);
		await sql("notifications", "UPDATE inbox SET sequence = 1 WHERE aggregate = $1", [aggregate]);
	};
	const found = (await breaches()).filter(({ events }) => events);
	expect(found).toEqual([
		expect.objectContaining({
			document: `event 2 of ${aggregate}`,
			what: expect.stringMatching(/^order\.completed was put aside and is not published: .*version 77/),
		}),
	]);
	await set(1);
	await repair(found, true, () => undefined);
	await eventually("it to leave", async () => {
		const { rowCount } = await sql(
			"orders",
			"SELECT 1 FROM outbox WHERE aggregate = $1 AND sequence = 2 AND published_at IS NOT NULL",
			[aggregate],
		);
		return rowCount === 1;
	});
	await eventually("it to arrive", async () => {
		const { rowCount } = await sql(
			"notifications",
			"SELECT 1 FROM inbox WHERE aggregate = $1 AND sequence = 2 UNION SELECT 1 FROM dead_letters",
			[aggregate],
		);
		return rowCount === 1;
	});
	await sql("notifications", "DELETE FROM dead_letters");
});
