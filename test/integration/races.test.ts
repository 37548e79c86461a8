import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { keyedRequest, requestId } from "../../services/orders/idempotency.ts";
import { checkDuePayments, type PayingService } from "../../services/orders/payments.ts";
import { transitionOrder } from "../../services/orders/transitions.ts";
import { sign } from "../../services/orders/webhook.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { Rival } from "./rival.ts";
import { eventually, newProduct, newUser, type Person, startNodeWith, stockOf } from "./shop.ts";

const rival = new Rival();
let broker: ServiceBroker;
let ani: Person;
let budi: Person;

beforeAll(async () => {
	broker = await startNodeWith([rival.middleware], "users", "products", "orders");
	[ani, budi] = [await newUser(broker), await newUser(broker)];
});

afterAll(() => broker.stop());
afterEach(() => expect(rival.waiting).toEqual([]));

const orders = () => broker.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService;
const stock = (id: string) => stockOf(broker, id);
const adapter = () =>
	(broker.getLocalService({ name: "products", version: 1 }) as unknown as DocumentService<ProductDocument>)
		.adapter;

async function newOrder(quantity = 2) {
	const product = await newProduct(broker, 5);
	const order = await ani.call("v1.orders.place", { items: [{ product_id: product.id, quantity }] });
	return { product, order };
}

/** Returns the statuses of an order, its payment and its charge once all jobs are done. */
async function settled(order_id: string) {
	const { rows } = await eventually("the payments to rest", async () => {
		const found = await orders().pool.query(
			`SELECT p.status AS payment, c.status AS charge, o.status AS order
			FROM orders o LEFT JOIN payments p ON p.order_id = o.id LEFT JOIN sandbox_charges c USING (reference)
			WHERE o.id = $1`,
			[order_id],
		);
		return !found.rows.some(({ payment }) => payment === "refunding") && found;
	});
	return rows;
}

function webhook(reference: string, amount: number, id = randomUUID(), type = "payment.settled") {
	const payload = JSON.stringify({ id, type, reference, amount });
	const secret = settings.paymentWebhookSecret;
	return callAction(broker, "v1.orders.takePaymentEvent", {
		payload,
		signature: sign(secret, payload, Math.floor(Date.now() / 1000)),
	});
}

describe("two buyers and the last unit", () => {
	test("a rival who reserves first gets it", async () => {
		const { id } = await newProduct(broker, 1);
		const items = [{ product_id: id, quantity: 1 }];
		rival.at("before v1.products.reserve", () => budi.call("v1.orders.place", { items }));
		await expect(ani.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});

	test("a rival who comes between the hold and the order does not", async () => {
		const { id } = await newProduct(broker, 1);
		const items = [{ product_id: id, quantity: 1 }];
		rival.at("before place_order", () =>
			expect(budi.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "OUT_OF_STOCK" }),
		);
		expect(await ani.call("v1.orders.place", { items })).toMatchObject({ status: "pending" });
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});
});

describe("while an order is placed", () => {
	test("a product that is taken out of the shop is not found, and the others are not held", async () => {
		const [good, gone] = [await newProduct(broker, 5), await newProduct(broker, 5)];
		const items = [good, gone].map(({ id }) => ({ product_id: id, quantity: 1 }));
		rival.at("before v1.products.reserve", () =>
			callAction(broker, "v1.products.remove", { id: gone.id }, asService()),
		);
		await expect(ani.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
		expect(await stock(good.id)).toMatchObject({ stock: 5, held: 0 });
	});

	test("a price that is changed after the hold is not that of the order", async () => {
		const product = await newProduct(broker, 5, 15_000);
		rival.at("before place_order", () =>
			callAction(broker, "v1.products.update", { id: product.id, price: 99_000 }, asService()),
		);
		const order = await ani.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
		expect(order).toMatchObject({ total: 30_000, items: [{ price: 15_000 }] });
	});
});

describe("two requests with one key", () => {
	test("are one order when the second overtakes the first", async () => {
		const { id } = await newProduct(broker, 5);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let overtaking: unknown;
		rival.at("before place_order", async () => {
			overtaking = await ani.call("v1.orders.place", request);
		});
		expect(await ani.call("v1.orders.place", request)).toEqual(overtaking);
		expect(await stock(id)).toMatchObject({ stock: 4, held: 1, holds: 1 });
	});

	test("share the last unit: the second takes over what the first holds", async () => {
		const { id } = await newProduct(broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let overtaking: unknown;
		rival.at("before place_order", async () => {
			overtaking = await ani.call("v1.orders.place", request);
		});
		expect(await ani.call("v1.orders.place", request)).toEqual(overtaking);
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});

	test("are one order with units of its own where the sweeper has abandoned what the first one holds", async () => {
		const { id } = await newProduct(broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		rival.at("before place_order", async () => {
			const { holds = [] } = (await adapter().findOne({ _id: id })) ?? {};
			const reservation_id = holds[0]?.reservation_id as string;
			const settle = async () => {
				const reservation_ids = [reservation_id];
				return (await callAction(broker, "v1.orders.settleReservations", { reservation_ids }))[0];
			};
			expect(await settle()).toEqual({ reservation_id, fate: "release" });
		});
		// The first attempt fails; the request has a key, so it is retried.
		const order = await ani.call("v1.orders.place", request);
		expect(order).toMatchObject({ status: "pending" });
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		expect(await ani.call("v1.orders.place", request)).toEqual(order);
	});

	test.each([
		["all", 2],
		["a part", 1],
	])("are one order where the first froze when it held %s of the lines", async (_, held) => {
		const products = [await newProduct(broker, 1), await newProduct(broker, 1)];
		const items = products.map(({ id }) => ({ product_id: id, quantity: 1 }));
		const idempotency_key = randomUUID();
		const request_id = requestId(keyedRequest(ani.id, idempotency_key, { items }));
		const reservation_id = randomUUID();
		const expires_at = new Date(Date.now() + 600_000).toISOString();
		for (const { id: _id } of products.slice(0, held)) {
			const hold = { reservation_id, request_id, quantity: 1, expires_at };
			await adapter().updateMany({ _id }, { $inc: { stock: -1 }, $push: { holds: hold } });
		}
		const order = await ani.call("v1.orders.place", { items, idempotency_key });
		expect(order.items).toHaveLength(2);
		for (const { id } of products) {
			expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		}
		// The first process resumes and writes its order too late.
		await expect(
			orders().pool.query("INSERT INTO reservations (id) VALUES ($1)", [reservation_id]),
		).rejects.toMatchObject({ code: "23505" });
	});

	test("are one order although the answer about the first one's units was lost", async () => {
		const { id } = await newProduct(broker, 1);
		const request = { items: [{ product_id: id, quantity: 1 }], idempotency_key: randomUUID() };
		let second: unknown;
		rival.at("after v1.products.reserve", async () => {
			second = await ani.call("v1.orders.place", request);
			throw new Error("the answer is lost");
		});
		await expect(ani.call("v1.orders.place", request)).rejects.toThrow();
		expect(await ani.call("v1.orders.place", request)).toEqual(second);
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
		// The job that releases units possibly held by the lost call runs later and finds that they belong to an order.
		const { rows } = await orders().pool.query("SELECT order_id, id FROM reservations WHERE order_id = $1", [
			(second as { id: string }).id,
		]);
		await orders().tasks.release_stock?.({ reservation_id: rows[0].id }, {} as never);
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1, holds: 1 });
	});
});

describe("an attempt whose commit is slow", () => {
	test("makes no order once the sweeper has given its units back", async () => {
		const { id } = await newProduct(broker, 1);
		const products = broker.getLocalService({ name: "products", version: 1 }) as unknown as {
			sweeper: Sweeper;
			adapter: { updateMany(query: object, update: object): Promise<number> };
		};
		rival.at("before place_order", async () => {
			await products.adapter.updateMany(
				{ _id: id },
				{ $set: { "holds.0.expires_at": "2020-01-01T00:00:00.000Z" } },
			);
			await products.sweeper.sweep();
			expect(await stock(id)).toMatchObject({ stock: 1, held: 0 });
		});
		await expect(
			ani.call("v1.orders.place", { items: [{ product_id: id, quantity: 1 }] }),
		).rejects.toMatchObject({ code: 503, type: "ORDER_NOT_PLACED" });
		expect(await stock(id)).toMatchObject({ stock: 1, held: 0 });
	});

	test("is an order although the answer of the commit was lost", async () => {
		const { id } = await newProduct(broker, 1);
		rival.at("after place_order", () => Promise.reject(new Error("Connection terminated")));
		const order = await ani.call("v1.orders.place", { items: [{ product_id: id, quantity: 1 }] });
		expect(await ani.call("v1.orders.get", { id: order.id })).toEqual(order);
		expect(await stock(id)).toMatchObject({ stock: 0, held: 1 });
	});
});

describe("while an order is paid", () => {
	test("a cancel that comes before the charge wins, and nothing is charged", async () => {
		const { order, product } = await newOrder();
		rival.at("before open_payment", () => ani.call("v1.orders.cancel", { id: order.id }));
		await expect(ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "cancelled" },
		});
		expect(await settled(order.id)).toEqual([{ order: "cancelled", payment: null, charge: null }]);
		await eventually("the units to return", async () => (await stock(product.id))?.stock === 5);
	});

	test("a cancel that comes after the charge wins, and the money goes back", async () => {
		const { order, product } = await newOrder();
		rival.at("after charge", () => ani.call("v1.orders.cancel", { id: order.id }));
		await expect(ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "cancelled" },
		});
		expect(await settled(order.id)).toEqual([
			{ order: "cancelled", payment: "refunded", charge: "refunded" },
		]);
		await eventually("the units to return", async () => (await stock(product.id))?.stock === 5);
	});

	test("an expiry that comes after the charge wins, and the money goes back", async () => {
		const { order, product } = await newOrder();
		rival.at("after charge", () => transitionOrder(orders(), order.id, "expire", "anybody", "shop"));
		await expect(ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "expired" },
		});
		expect(await settled(order.id)).toEqual([{ order: "expired", payment: "refunded", charge: "refunded" }]);
		await eventually("the units to return", async () => (await stock(product.id))?.stock === 5);
	});

	test("a second payment of it is the same one, and the order is paid once", async () => {
		const { order } = await newOrder();
		rival.at("after charge", () => ani.call("v1.orders.pay", { id: order.id }));
		expect(await ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
		expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
	});

	test.each(["before charge", "after charge", "before settle_payment"] as const)(
		"its own webhook that comes %s pays it, and the request has succeeded",
		async (point) => {
			const { order } = await newOrder();
			rival.at(point, async () => {
				const { rows } = await orders().pool.query("SELECT reference FROM payments WHERE order_id = $1", [
					order.id,
				]);
				await webhook(rows[0].reference, order.total);
			});
			expect(await ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
			expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
		},
	);

	test.each(["before open_payment", "before charge", "before settle_payment"] as const)(
		"a transfer that is settled %s pays it, the request has succeeded and nobody pays twice",
		async (point) => {
			const { order } = await newOrder();
			const { payment } = await ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
			const { reference = "", amount = 0 } = payment ?? {};
			rival.at(point, () => webhook(reference, amount));
			expect(await ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
			const rows = await settled(order.id);
			expect(rows.filter(({ payment }) => payment === "settled")).toHaveLength(1);
			expect(rows.map(({ charge }) => charge)).not.toContain("settled");
		},
	);

	test("a shop that ships it meanwhile does not make the request fail", async () => {
		const { order } = await newOrder();
		rival.at("before settle_payment", async () => {
			await ani.call("v1.orders.pay", { id: order.id });
			await callAction(broker, "v1.orders.ship", { id: order.id }, asService());
		});
		expect(await ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "shipped" });
	});

	test("a process that dies after the charge leaves a payment whose check pays the order", async () => {
		const { order } = await newOrder();
		rival.at("after charge", () => Promise.reject(new Error("the process is gone")));
		await expect(ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			type: "PAYMENT_UNKNOWN",
		});
		await checkPayments(order.id);
		expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
	});

	test("a process that dies before the charge leaves a payment whose check ends it; a late charge is not made", async () => {
		const { order } = await newOrder();
		rival.at("before charge", () => checkPayments(order.id));
		await expect(ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			type: "PAYMENT_NOT_MADE",
		});
		expect(await settled(order.id)).toEqual([{ order: "pending", payment: "failed", charge: "cancelled" }]);
		expect(await ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
	});

	async function checkPayments(order_id: string) {
		await orders().pool.query("UPDATE payments SET check_at = now() WHERE order_id = $1", [order_id]);
		await checkDuePayments(orders());
	}
});

describe("a webhook", () => {
	test("that is sent again while the first is taken in changes nothing more", async () => {
		const { order } = await newOrder();
		const { payment } = await ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
		const { reference = "", amount = 0 } = payment ?? {};
		const id = randomUUID();
		rival.at("before settle_payment", () => webhook(reference, amount, id));
		expect(await webhook(reference, amount, id)).toEqual({ received: true });
		await Promise.all(Array.from({ length: 5 }, () => webhook(reference, amount, id)));
		await webhook(reference, amount);
		const { rows } = await orders().pool.query(
			"SELECT status FROM order_history WHERE order_id = $1 ORDER BY at",
			[order.id],
		);
		expect(rows.map(({ status }) => status)).toEqual(["pending", "paid"]);
	});

	test("that comes in after the order was paid in another way gives the money back", async () => {
		const { order } = await newOrder();
		const { payment } = await ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
		const { reference = "", amount = 0 } = payment ?? {};
		rival.at("before settle_payment", () => ani.call("v1.orders.pay", { id: order.id }));
		await webhook(reference, amount);
		expect(await settled(order.id)).toEqual(
			expect.arrayContaining([
				{ order: "paid", payment: "settled", charge: "settled" },
				{ order: "paid", payment: "refunded", charge: "refunded" },
			]),
		);
	});
});

describe("a refund with restocking", () => {
	test("puts the units back once, although products' answer is lost and the job runs again", async () => {
		const { order, product } = await newOrder();
		await ani.call("v1.orders.pay", { id: order.id });
		rival.at("after v1.products.restock", () => Promise.reject(new Error("the answer is lost")));
		await callAction(broker, "v1.orders.refund", { id: order.id, restock: true }, asService());
		await eventually("the units to be back", async () => {
			const now = await stock(product.id);
			return now?.stock === 5 && now.held === 0;
		});
		await orders().tasks.restock_order?.({ order_id: order.id }, {} as never);
		expect(await stock(product.id)).toMatchObject({ stock: 5, held: 0, supplied: 7 });
		expect(await settled(order.id)).toEqual([{ order: "refunded", payment: "refunded", charge: "refunded" }]);
	});

	test("is remembered by products until no job can ask again, however old it is", async () => {
		const { order, product } = await newOrder();
		await ani.call("v1.orders.pay", { id: order.id });
		rival.at("after v1.products.restock", () => Promise.reject(new Error("the answer is lost")));
		await callAction(broker, "v1.orders.refund", { id: order.id, restock: true }, asService());
		const { adapter, sweeper } = broker.getLocalService({
			name: "products",
			version: 1,
		}) as unknown as DocumentService<ProductDocument> & { sweeper: Sweeper };
		const remembered = async () => Object.keys((await adapter.findOne({ _id: product.id }))?.restocks ?? {});
		const forget = async () => {
			await sweeper.foldLedgers(Date.now() + 30 * 86_400_000);
			return remembered();
		};
		const isDone = async () =>
			(await orders().pool.query("SELECT FROM orders WHERE id = $1 AND restock_done", [order.id]))
				.rowCount === 1;
		await eventually("the units to be back", async () => (await stock(product.id))?.stock === 5);
		if (!(await isDone())) {
			expect(await forget()).toEqual([order.id]);
		}
		await eventually("the job to be done", isDone);
		await sweeper.foldLedgers();
		expect(await remembered()).toEqual([order.id]);
		expect(await forget()).toEqual([]);
		await orders().tasks.restock_order?.({ order_id: order.id }, {} as never);
		expect(await stock(product.id)).toMatchObject({ stock: 5, held: 0, supplied: 7 });
	});
});
