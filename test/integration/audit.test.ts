import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { audit } from "../../audit/audit.ts";
import { isLegal } from "../../audit/orders.ts";
import { repair } from "../../audit/repair.ts";
import { openSources, type Sources } from "../../audit/sources.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { ProductDocument } from "../../services/products/model.ts";
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
const store = () => local<DocumentService<ProductDocument>>("products").adapter;
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

test("a shop in which all sorts of things happen has no breach, also while they happen", async () => {
	const happening = Promise.all(
		Array.from({ length: 10 }, async (_, number) => {
			const { order } = await newOrder();
			if (number % 3 === 0) {
				await buyer.call("v1.orders.pay", { id: order.id, method: "transfer" });
				await buyer.call("v1.orders.cancel", { id: order.id });
			} else if (number % 3 === 1) {
				await buyer.call("v1.orders.pay", { id: order.id });
				await callAction(shop, "v1.orders.refund", { id: order.id, restock: true }, asService());
			}
		}),
	);
	const found = await audit(sources, 20_000);
	await happening;
	expect(found.breaches).toEqual([]);
	expect((await audit(sources, 20_000)).looks.map(({ looked_at }) => looked_at > 0)).not.toContain(false);
});

test("an order of nothing that is paid, and one that is refunded, is no breach", async () => {
	const product = await newProduct(shop, 10, 0);
	for (const refund of [false, true]) {
		const { id } = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 1 }] });
		await buyer.call("v1.orders.pay", { id, method: "transfer" });
		if (refund) {
			await callAction(shop, "v1.orders.refund", { id }, asService());
		}
	}
	expect(await breaches()).toEqual([]);
});

describe("the audit names", () => {
	test("a product whose units do not add up", async () => {
		const { product } = await paidOrder();
		await store().updateMany({ _id: product.id }, { $inc: { stock: 1 } });
		mend = () => store().updateMany({ _id: product.id }, { $inc: { stock: -1 } });
		expect(await breaches()).toEqual([
			expect.objectContaining({
				document: `product ${product.id} (${product.name})`,
				what: "supplied 10 ≠ stock 9 + held 0 + sold 2",
			}),
		]);
	});

	test("a pending order whose units are not held", async () => {
		const { product, order, reservation_id } = await newOrder();
		await callAction(shop, "v1.products.release", { reservation_id });
		mend = () => buyer.call("v1.orders.cancel", { id: order.id });
		expect(await breaches()).toEqual([
			expect.objectContaining({
				document: `order ${order.number}`,
				what: `is pending, but 2 units of product ${product.id} are not held for it`,
			}),
		]);
	});

	test("a hold that outlived its order, and repairs it", async () => {
		const { product, order, reservation_id } = await newOrder();
		const { holds } = (await store().findOne({ _id: product.id })) as ProductDocument;
		await buyer.call("v1.orders.cancel", { id: order.id });
		await eventually("the units to return", async () => (await stockOf(shop, product.id))?.stock === 10);
		await store().updateMany({ _id: product.id }, { $set: { stock: 8, holds } });
		const found = await breaches();
		expect(found).toEqual([
			expect.objectContaining({ reservation_id, what: expect.stringMatching(/outlived/) }),
		]);
		await repair(found, true, () => undefined);
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 10, held: 0 });
	});

	test("a hold that never became an order, and repairs it", async () => {
		const product = await newProduct(shop, 5);
		const reservation_id = randomUUID();
		const lines = [{ product_id: product.id, quantity: 1 }];
		const expires_at = new Date(Date.now() - 600_000).toISOString();
		await callAction(shop, "v1.products.reserve", { reservation_id, lines, expires_at });
		const found = await breaches();
		expect(found).toEqual([
			expect.objectContaining({ reservation_id, what: expect.stringMatching(/no order/) }),
		]);
		await repair(found, true, () => undefined);
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 5, held: 0 });
	});

	test("an order that skipped a state", async () => {
		const { order } = await paidOrder();
		const jump = (status: string) =>
			sql("orders", "UPDATE orders SET status = $2 WHERE id = $1", [order.id, status]);
		await jump("completed");
		mend = () => jump("paid");
		expect(await breaches()).toEqual([
			expect.objectContaining({
				document: `order ${order.number}`,
				what: "is completed after pending → paid",
			}),
		]);
	});

	test("an order whose total is wrong, and a key with two orders", async () => {
		const [{ order }, other] = [await newOrder(), await newOrder()];
		const add = (sum: number) =>
			sql("orders", "UPDATE orders SET total_minor = total_minor + $2 WHERE id = $1", [order.id, sum]);
		await add(1);
		await sql(
			"orders",
			`INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
			SELECT user_id, 'twice', request_hash, answer FROM idempotency_keys WHERE answer->'order'->>'id' = $1`,
			[other.order.id],
		);
		mend = async () => {
			await add(-1);
			await sql("orders", "DELETE FROM idempotency_keys WHERE key = 'twice'");
		};
		expect((await breaches()).map(({ document, what }) => `${document} ${what}`).sort()).toEqual(
			[
				`order ${order.number} has a total of 30001, its lines make 30000`,
				`order ${other.order.number} has 2 keys`,
			].sort(),
		);
	});

	test("a charge for an order that was not paid by it", async () => {
		const { order } = await paidOrder();
		const set = (status: string) =>
			sql("orders", "UPDATE payments SET status = $2 WHERE order_id = $1", [order.id, status]);
		await set("failed");
		mend = () => set("settled");
		expect((await breaches()).map(({ what }) => what)).toEqual(
			expect.arrayContaining(["is paid without a payment", "is settled at the provider, but failed here"]),
		);
	});

	test("an event that nobody took in, and a message that nobody sends", async () => {
		const [{ order }, other] = [await newOrder(), await newOrder()];
		await eventually("both mails", async () => {
			const mails = await buyer.call("v1.notifications.list", { limit: 100 });
			return [order, other.order].every(({ number }) =>
				mails.some(({ subject, status }) => subject?.includes(number) && status === "sent"),
			);
		});
		const inbox = (sequence: number) =>
			sql("notifications", "UPDATE inbox SET sequence = $2 WHERE aggregate = 'order:' || $1", [
				order.id,
				sequence,
			]);
		const message = (change: string, id: string) =>
			sql("notifications", `UPDATE notifications SET ${change} WHERE aggregate LIKE '%order:' || $1`, [id]);
		mend = async () => {
			await inbox(1);
			await message("aggregate = 'order:' || $1", order.id);
			await message("status = 'sent'", other.order.id);
		};
		await inbox(0);
		await message("status = 'queued'", other.order.id);
		expect((await breaches()).map(({ check, what }) => [check, what]).sort()).toEqual([
			["a message is sent", "order_confirmation is queued, and no job sends it"],
			["an event reaches who listens", "event 0 of 1 was the last to be taken in"],
		]);
		await inbox(1);
		await message("aggregate = 'lost order:' || $1", order.id);
		expect((await breaches()).map(({ what }) => what).sort()).toEqual([
			"has no message for order.placed",
			"order_confirmation is queued, and no job sends it",
		]);
	});

	test("an event that was published and that nobody has, though others are on their way, and repairs it", async () => {
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
		// Waits for the one before it, which nobody has made.
		const stranger = { name: "order.paid", version: 1, aggregate: `order:${randomUUID()}` };
		const data = { order_id: order.id, number: order.number, user_id: 1, total_minor: 1, currency: "IDR" };
		const { sendToChannel } = shop as unknown as {
			sendToChannel(name: string, event: object): Promise<void>;
		};
		const deliver = (sequence: number) =>
			sendToChannel("events.order.paid", {
				...stranger,
				...{ id: randomUUID(), sequence, occurred_at: new Date().toISOString(), data },
			});
		await deliver(2);
		const found = await breaches();
		expect(found).toEqual([
			expect.objectContaining({
				document: `order ${order.number}`,
				what: "event 0 of 1 was the last to be taken in",
				events: [{ database: "orders", aggregate, sequence: 1 }],
			}),
		]);
		await deliver(1);
		await repair(found, true, () => undefined);
		await eventually("its mail, once more", async () => (await mail()).rowCount === 1);
	});

	test("an event that was passed over, and repairs it", async () => {
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
			expect.objectContaining({ what: "event 1 of 2 was passed over and did not come" }),
		]);
		await repair(found, true, () => undefined);
		await eventually("the gap to close", async () => {
			const { rowCount } = await sql("notifications", "SELECT 1 FROM inbox_gaps WHERE aggregate = $1", [
				aggregate,
			]);
			return rowCount === 0;
		});
	});

	test("an event that was put aside, and has it tried again", async () => {
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

	test("something that happened without an event", async () => {
		const { order } = await newOrder();
		const sequence = (value: number) =>
			sql("orders", "UPDATE event_sequences SET sequence = $2 WHERE aggregate = 'order:' || $1", [
				order.id,
				value,
			]);
		await sequence(0);
		mend = () => sequence(1);
		expect((await breaches()).map(({ what }) => what)).toEqual(["0 of 1 events were published"]);
	});

	test("a dead letter", async () => {
		await sql(
			"notifications",
			"INSERT INTO dead_letters VALUES (gen_random_uuid(), 'order.paid', '{}', 'no such thing', '', 6)",
		);
		mend = () => sql("notifications", "DELETE FROM dead_letters");
		expect((await breaches()).map(({ what }) => what)).toEqual([
			"order.paid could not be taken in: no such thing",
		]);
	});

	test("a job that was given up", async () => {
		await sql("orders", "SELECT graphile_worker.add_job('no_such_task', job_key => 'k', max_attempts => 1)");
		await sql("orders", "UPDATE graphile_worker._private_jobs SET attempts = 1 WHERE max_attempts = 1");
		mend = () => sql("orders", "DELETE FROM graphile_worker._private_jobs WHERE max_attempts = 1");
		expect(await breaches()).toEqual([
			expect.objectContaining({ what: expect.stringMatching(/^no_such_task was given up/) }),
		]);
	});
});

describe("the life of an order", () => {
	test.each([
		[["pending"], "pending", true],
		[["pending", "paid", "shipped", "completed", "refunded"], "refunded", true],
		[["pending", "cancelled"], "cancelled", true],
		[["pending", "cancelled", "paid"], "paid", false],
		[["pending", "paid"], "shipped", false],
		[["paid"], "paid", false],
		[[], "pending", false],
	] as const)("%j, now %s: legal is %s", (history, status, legal) => {
		expect(isLegal([...history], status)).toBe(legal);
	});
});
