import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { keyedRequest, requestId } from "../../services/orders/idempotency.ts";
import { RacingShop } from "./racing-shop.ts";
import { newProduct } from "./shop.ts";

const shop = new RacingShop();

beforeAll(() => shop.start());
afterAll(() => shop.stop());
afterEach(() => expect(shop.rival.waiting).toEqual([]));

describe("two buyers and the last unit", () => {
	test("goes to a rival who reserves first", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const items = [{ product_id: id, quantity: 1 }];
		shop.rival.at("before v1.products.reserve", () => shop.budi.call("v1.orders.place", { items }));
		await expect(shop.ani.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});

	test("does not go to a rival who comes between the hold and the order", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const items = [{ product_id: id, quantity: 1 }];
		shop.rival.at("before place_order", () =>
			expect(shop.budi.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "OUT_OF_STOCK" }),
		);
		expect(await shop.ani.call("v1.orders.place", { items })).toMatchObject({ status: "pending" });
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});
});

describe("while an order is placed", () => {
	test("a product that is taken out of the shop is not found, and the others are not held", async () => {
		const [good, gone] = [await newProduct(shop.broker, 5), await newProduct(shop.broker, 5)];
		const items = [good, gone].map(({ id }) => ({ product_id: id, quantity: 1 }));
		shop.rival.at("before v1.products.reserve", () =>
			callAction(shop.broker, "v1.products.remove", { id: gone.id }, asService()),
		);
		await expect(shop.ani.call("v1.orders.place", { items })).rejects.toMatchObject({
			type: "PRODUCT_NOT_FOUND",
		});
		expect(await shop.stock(good.id)).toMatchObject({ stock: 5, held: 0 });
	});

	test("a price that is changed after the hold is not that of the order", async () => {
		const product = await newProduct(shop.broker, 5, 15_000);
		shop.rival.at("before place_order", () =>
			callAction(shop.broker, "v1.products.update", { id: product.id, price: 99_000 }, asService()),
		);
		const order = await shop.ani.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 2 }],
		});
		expect(order).toMatchObject({ total: 30_000, items: [{ price: 15_000 }] });
	});
});

describe("two requests with one key", () => {
	test("are one order when the second overtakes the first", async () => {
		const { id } = await newProduct(shop.broker, 5);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let overtaking: unknown;
		shop.rival.at("before place_order", async () => {
			overtaking = await shop.ani.call("v1.orders.place", request);
		});
		expect(await shop.ani.call("v1.orders.place", request)).toEqual(overtaking);
		expect(await shop.stock(id)).toMatchObject({ stock: 4, held: 1, holds: 1 });
	});

	test("share the last unit: the second takes over what the first holds", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let overtaking: unknown;
		shop.rival.at("before place_order", async () => {
			overtaking = await shop.ani.call("v1.orders.place", request);
		});
		expect(await shop.ani.call("v1.orders.place", request)).toEqual(overtaking);
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});

	test("are one order with units of its own where the sweeper has abandoned what the first one holds", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		shop.rival.at("before place_order", async () => {
			const { holds = [] } = (await shop.products.adapter.findOne({ _id: id })) ?? {};
			const reservation_id = holds[0]?.reservation_id as string;
			const settle = async () => {
				const reservation_ids = [reservation_id];
				return (await callAction(shop.broker, "v1.orders.settleReservations", { reservation_ids }))[0];
			};
			expect(await settle()).toEqual({ reservation_id, fate: "release" });
		});
		// The first attempt fails; the request has a key, so it is retried.
		const order = await shop.ani.call("v1.orders.place", request);
		expect(order).toMatchObject({ status: "pending" });
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		expect(await shop.ani.call("v1.orders.place", request)).toEqual(order);
	});

	test.each([
		["all", 2],
		["a part", 1],
	])("are one order where the first froze when it held %s of the lines", async (_, held) => {
		const products = [await newProduct(shop.broker, 1), await newProduct(shop.broker, 1)];
		const items = products.map(({ id }) => ({ product_id: id, quantity: 1 }));
		const idempotency_key = randomUUID();
		const request_id = requestId(keyedRequest(shop.ani.id, idempotency_key, { items }));
		const reservation_id = randomUUID();
		const expires_at = new Date(Date.now() + 600_000).toISOString();
		for (const { id: _id } of products.slice(0, held)) {
			const hold = { reservation_id, request_id, quantity: 1, expires_at };
			await shop.products.adapter.updateMany({ _id }, { $inc: { stock: -1 }, $push: { holds: hold } });
		}
		const order = await shop.ani.call("v1.orders.place", { items, idempotency_key });
		expect(order.items).toHaveLength(2);
		for (const { id } of products) {
			expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		}
		// The first process resumes and writes its order too late.
		await expect(
			shop.orders.pool.query("INSERT INTO reservations (id) VALUES ($1)", [reservation_id]),
		).rejects.toMatchObject({ code: "23505" });
	});

	test("are one order although the answer about the first one's units was lost", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let second: unknown;
		shop.rival.at("after v1.products.reserve", async () => {
			second = await shop.ani.call("v1.orders.place", request);
			throw new Error("the answer is lost");
		});
		await expect(shop.ani.call("v1.orders.place", request)).rejects.toThrow();
		expect(await shop.ani.call("v1.orders.place", request)).toEqual(second);
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		// The job that releases units possibly held by the lost call runs later and finds that they belong to an order.
		const { rows } = await shop.orders.pool.query(
			"SELECT order_id, id FROM reservations WHERE order_id = $1",
			[(second as { id: string }).id],
		);
		await shop.orders.tasks.release_stock?.({ reservation_id: rows[0].id }, {} as never);
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});
});

describe("an attempt whose commit is slow", () => {
	test("makes no order once the sweeper has given its units back", async () => {
		const { id } = await newProduct(shop.broker, 1);
		const { adapter, sweeper } = shop.products;
		shop.rival.at("before place_order", async () => {
			await adapter.updateMany({ _id: id }, { $set: { "holds.0.expires_at": "2020-01-01T00:00:00.000Z" } });
			await sweeper.sweep();
			expect(await shop.stock(id)).toMatchObject({ stock: 1, held: 0 });
		});
		await expect(
			shop.ani.call("v1.orders.place", { items: [{ product_id: id, quantity: 1 }] }),
		).rejects.toMatchObject({ code: 503, type: "ORDER_NOT_PLACED" });
		expect(await shop.stock(id)).toMatchObject({ stock: 1, held: 0 });
	});

	test("is an order although the answer of the commit was lost", async () => {
		const { id } = await newProduct(shop.broker, 1);
		shop.rival.at("after place_order", () => Promise.reject(new Error("Connection terminated")));
		const order = await shop.ani.call("v1.orders.place", { items: [{ product_id: id, quantity: 1 }] });
		expect(await shop.ani.call("v1.orders.get", { id: order.id })).toEqual(order);
		expect(await shop.stock(id)).toMatchObject({ stock: 0, held: 1 });
	});
});
