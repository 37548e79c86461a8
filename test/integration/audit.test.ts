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
		await eventually("the units to return", async () => {
			const { rows } = await sql("orders", "SELECT FROM graphile_worker.jobs WHERE key = $1", [
				`stock:${reservation_id}`,
			]);
			return rows.length === 0 && (await stockOf(shop, product.id))?.stock === 10;
		});
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
