import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { outboxes } from "../../contracts/services.ts";
import { streamConfig } from "../../events/envelope.ts";
import { repair } from "../../tools/audit/repair.ts";
import { BreakableShop } from "./breakable-shop.ts";
import { eventually } from "./shop.ts";

const shop = new BreakableShop();
const { sql, breaches, newOrder, paidOrder } = shop;

test("the audit names an event that was published and that no consumer has, and repairs it", async () => {
	const { order } = await newOrder();
	const aggregate = `order:${order.id}`;
	const mail = () =>
		sql(
			"notifications",
			"SELECT 1 FROM notifications WHERE aggregate = $1 AND type = 'order_confirmation' AND status = 'sent'",
			[aggregate],
		);
	await eventually("its mail", async () => (await mail()).rowCount === 1);
	await eventually("nothing to be on its way", async () => (await shop.sources.eventsInProgress()) === 0);
	await sql("notifications", "DELETE FROM inbox WHERE aggregate = $1", [aggregate]);
	await sql("notifications", "DELETE FROM notifications WHERE aggregate = $1", [aggregate]);
	const found = await breaches();
	expect(found).toEqual([
		expect.objectContaining({
			document: `order ${order.number}`,
			what: "event 0 of 1 was the last one processed",
			events: [{ database: "orders", aggregate, sequence: 1 }],
		}),
	]);
	await repair(found, true, () => undefined);
	await eventually("its mail, once more", async () => (await mail()).rowCount === 1);
});

test("the audit names an event that nobody has, also of a service that it knows nothing else of", async () => {
	Object.assign(outboxes, { wish: "users" });
	const data = { order_id: randomUUID(), number: "TK-1", user_id: 1, total_minor: 1, currency: "IDR" };
	await sql("users", "SELECT publish('order.completed', 1, 'wish:7', $1)", [JSON.stringify(data)]);
	const place = () => sql("notifications", "SELECT 1 FROM inbox WHERE aggregate = 'wish:7'");
	await eventually("the event", async () => (await place()).rowCount === 1);
	await eventually("nothing to be on its way", async () => (await shop.sources.eventsInProgress()) === 0);
	expect(await breaches()).toEqual([]);
	await sql("notifications", "DELETE FROM inbox WHERE aggregate = 'wish:7'");
	const found = await breaches();
	expect(found).toEqual([
		expect.objectContaining({
			document: "wish:7",
			what: "event 0 of 1 was the last one processed",
			events: [{ database: "users", aggregate: "wish:7", sequence: 1 }],
		}),
	]);
	await repair(found, true, () => undefined);
	await eventually("the event, once more", async () => (await place()).rowCount === 1);
});

test("the audit names an event that was passed over, and repairs it", async () => {
	const { order } = await paidOrder();
	const aggregate = `order:${order.id}`;
	const taken = () =>
		sql("notifications", "SELECT 1 FROM inbox WHERE aggregate = $1 AND sequence = 2", [aggregate]);
	await eventually("both events", async () => (await taken()).rowCount === 1);
	await eventually("nothing to be on its way", async () => (await shop.sources.eventsInProgress()) === 0);
	await sql("notifications", "INSERT INTO inbox_gaps VALUES ($1, 1)", [aggregate]);
	await sql(
		"notifications",
		"DELETE FROM notifications WHERE aggregate = $1 AND type = 'order_confirmation'",
		[aggregate],
	);
	const found = await breaches();
	expect(found).toEqual([
		expect.objectContaining({ what: "event 1 of 2 was skipped and has not arrived since" }),
	]);
	await repair(found, true, () => undefined);
	await eventually("the gap to close", async () => {
		const { rowCount } = await sql("notifications", "SELECT 1 FROM inbox_gaps WHERE aggregate = $1", [
			aggregate,
		]);
		return rowCount === 0;
	});
});

test("the audit names an event that was put aside, and has it retried", async () => {
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
	shop.mend = async () => {
		const { rows } = await sql(
			"orders",
			"SELECT stream_sequence::float8 AS position FROM outbox WHERE aggregate = $1 AND sequence = 2",
			[aggregate],
		);
		const manager = await shop.sources.nats.jetstreamManager();
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
