import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { audit } from "../../tools/audit/audit.ts";
import { isValidHistory } from "../../tools/audit/orders.ts";
import { repair } from "../../tools/audit/repair.ts";
import { acknowledgedUpTo } from "../../tools/audit/stream.ts";
import { BreakableShop } from "./breakable-shop.ts";
import { eventually, newProduct, stockOf } from "./shop.ts";

const shop = new BreakableShop();
const { local, sql, breaches, newOrder, paidOrder } = shop;
const store = () => local<DocumentService<ProductDocument>>("products").adapter;

test("a busy shop has no breach, even while it is busy", async () => {
	const happening = Promise.all(
		Array.from({ length: 10 }, async (_, number) => {
			const { order } = await newOrder();
			if (number % 3 === 0) {
				await shop.buyer.call("v1.orders.pay", { id: order.id, method: "transfer" });
				await shop.buyer.call("v1.orders.cancel", { id: order.id });
			} else if (number % 3 === 1) {
				await shop.buyer.call("v1.orders.pay", { id: order.id });
				await callAction(shop.broker, "v1.orders.refund", { id: order.id, restock: true }, asService());
			}
		}),
	);
	const found = await audit(shop.sources, 20_000);
	await happening;
	expect(found.breaches).toEqual([]);
});

test("an order of nothing that is paid, and one that is refunded, is no breach", async () => {
	const product = await newProduct(shop.broker, 10, 0);
	for (const refund of [false, true]) {
		const { id } = await shop.buyer.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 1 }],
		});
		await shop.buyer.call("v1.orders.pay", { id, method: "transfer" });
		if (refund) {
			await callAction(shop.broker, "v1.orders.refund", { id }, asService());
		}
	}
	expect(await breaches()).toEqual([]);
});

describe("the audit names", () => {
	test("a product whose units do not add up", async () => {
		const { product } = await paidOrder();
		await store().updateMany({ _id: product.id }, { $inc: { stock: 1 } });
		shop.mend = () => store().updateMany({ _id: product.id }, { $inc: { stock: -1 } });
		expect(await breaches()).toEqual([
			expect.objectContaining({
				document: `product ${product.id} (${product.name})`,
				what: "supplied 10 ≠ stock 9 + held 0 + sold 2",
			}),
		]);
	});

	test("a pending order whose units are not held", async () => {
		const { product, order, reservation_id } = await newOrder();
		await callAction(shop.broker, "v1.products.release", { reservation_id });
		shop.mend = () => shop.buyer.call("v1.orders.cancel", { id: order.id });
		expect(await breaches()).toEqual([
			expect.objectContaining({
				document: `order ${order.number}`,
				what: `is pending, but 2 units of product ${product.id} are not held for it`,
			}),
		]);
	});

	test("a hold that has outlived its order, and repairs it", async () => {
		const { product, order, reservation_id } = await newOrder();
		const { holds } = (await store().findOne({ _id: product.id })) as ProductDocument;
		await shop.buyer.call("v1.orders.cancel", { id: order.id });
		await eventually("the units to return", async () => {
			// Until its event is acknowledged, the hold counts as in progress.
			const acknowledged = await acknowledgedUpTo(await shop.sources.nats.jetstreamManager(), "products");
			const { rows } = await sql(
				"orders",
				"SELECT FROM outbox WHERE aggregate = $1 AND (published_at IS NULL OR stream_sequence > $2)",
				[`order:${order.id}`, acknowledged],
			);
			return rows.length === 0 && (await stockOf(shop.broker, product.id))?.stock === 10;
		});
		await store().updateMany({ _id: product.id }, { $set: { stock: 8, holds } });
		const found = await breaches();
		expect(found).toEqual([
			expect.objectContaining({ reservation_id, what: expect.stringMatching(/outlived/) }),
		]);
		await repair(found, true, () => undefined);
		expect(await stockOf(shop.broker, product.id)).toMatchObject({ stock: 10, held: 0 });
	});

	test("a hold that never became an order, and repairs it", async () => {
		const product = await newProduct(shop.broker, 5);
		const reservation_id = randomUUID();
		const lines = [{ product_id: product.id, quantity: 1 }];
		const expires_at = new Date(Date.now() - 600_000).toISOString();
		await callAction(shop.broker, "v1.products.reserve", { reservation_id, lines, expires_at });
		const found = await breaches();
		expect(found).toEqual([
			expect.objectContaining({ reservation_id, what: expect.stringMatching(/no order/) }),
		]);
		await repair(found, true, () => undefined);
		expect(await stockOf(shop.broker, product.id)).toMatchObject({ stock: 5, held: 0 });
	});

	test("an order that skipped a state", async () => {
		const { order } = await paidOrder();
		const jump = (status: string) =>
			sql("orders", "UPDATE orders SET status = $2 WHERE id = $1", [order.id, status]);
		await jump("completed");
		shop.mend = () => jump("paid");
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
		expect(isValidHistory([...history], status)).toBe(legal);
	});
});
