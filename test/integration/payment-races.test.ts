import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { checkDuePayments } from "../../services/orders/payments.ts";
import { transitionOrder } from "../../services/orders/transitions.ts";
import { sign } from "../../services/orders/webhook.ts";
import { RacingShop } from "./racing-shop.ts";
import { eventually, newProduct } from "./shop.ts";

const shop = new RacingShop();

beforeAll(() => shop.start());
afterAll(() => shop.stop());
afterEach(() => expect(shop.rival.waiting).toEqual([]));

async function newOrder(quantity = 2) {
	const product = await newProduct(shop.broker, 5);
	const order = await shop.ani.call("v1.orders.place", { items: [{ product_id: product.id, quantity }] });
	return { product, order };
}

/** Returns the statuses of an order, its payment and its charge once all jobs are done. */
async function settled(order_id: string) {
	const { rows } = await eventually("the payments to rest", async () => {
		const found = await shop.orders.pool.query(
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
	return callAction(shop.broker, "v1.orders.takePaymentEvent", {
		payload,
		signature: sign(secret, payload, Math.floor(Date.now() / 1000)),
	});
}

describe("while an order is paid", () => {
	test("a cancel that comes before the charge wins, and nothing is charged", async () => {
		const { order, product } = await newOrder();
		shop.rival.at("before open_payment", () => shop.ani.call("v1.orders.cancel", { id: order.id }));
		await expect(shop.ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "cancelled" },
		});
		expect(await settled(order.id)).toEqual([{ order: "cancelled", payment: null, charge: null }]);
		await eventually("the units to return", async () => (await shop.stock(product.id))?.stock === 5);
	});

	test("a cancel that comes after the charge wins, and the money goes back", async () => {
		const { order, product } = await newOrder();
		shop.rival.at("after charge", () => shop.ani.call("v1.orders.cancel", { id: order.id }));
		await expect(shop.ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "cancelled" },
		});
		expect(await settled(order.id)).toEqual([
			{ order: "cancelled", payment: "refunded", charge: "refunded" },
		]);
		await eventually("the units to return", async () => (await shop.stock(product.id))?.stock === 5);
	});

	test("an expiry that comes after the charge wins, and the money goes back", async () => {
		const { order, product } = await newOrder();
		shop.rival.at("after charge", () => transitionOrder(shop.orders, order.id, "expire", "anybody", "shop"));
		await expect(shop.ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			code: 409,
			data: { state: "expired" },
		});
		expect(await settled(order.id)).toEqual([{ order: "expired", payment: "refunded", charge: "refunded" }]);
		await eventually("the units to return", async () => (await shop.stock(product.id))?.stock === 5);
	});

	test("a second payment of it is the same one, and the order is paid once", async () => {
		const { order } = await newOrder();
		shop.rival.at("after charge", () => shop.ani.call("v1.orders.pay", { id: order.id }));
		expect(await shop.ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
		expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
	});

	test.each(["before charge", "after charge", "before settle_payment"] as const)(
		"its own webhook that comes %s pays it, and the request has succeeded",
		async (point) => {
			const { order } = await newOrder();
			shop.rival.at(point, async () => {
				const { rows } = await shop.orders.pool.query("SELECT reference FROM payments WHERE order_id = $1", [
					order.id,
				]);
				await webhook(rows[0].reference, order.total);
			});
			expect(await shop.ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
			expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
		},
	);

	test.each(["before open_payment", "before charge", "before settle_payment"] as const)(
		"a transfer that is settled %s pays it, the request has succeeded and nobody pays twice",
		async (point) => {
			const { order } = await newOrder();
			const { payment } = await shop.ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
			const { reference = "", amount = 0 } = payment ?? {};
			shop.rival.at(point, () => webhook(reference, amount));
			expect(await shop.ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
			const rows = await settled(order.id);
			expect(rows.filter(({ payment }) => payment === "settled")).toHaveLength(1);
			expect(rows.map(({ charge }) => charge)).not.toContain("settled");
		},
	);

	test("a shop that ships it meanwhile does not make the request fail", async () => {
		const { order } = await newOrder();
		shop.rival.at("before settle_payment", async () => {
			await shop.ani.call("v1.orders.pay", { id: order.id });
			await callAction(shop.broker, "v1.orders.ship", { id: order.id }, asService());
		});
		expect(await shop.ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "shipped" });
	});

	test("a process that dies after the charge leaves a payment whose check pays the order", async () => {
		const { order } = await newOrder();
		shop.rival.at("after charge", () => Promise.reject(new Error("the process is gone")));
		await expect(shop.ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			type: "PAYMENT_UNKNOWN",
		});
		await checkPayments(order.id);
		expect(await settled(order.id)).toEqual([{ order: "paid", payment: "settled", charge: "settled" }]);
	});

	test("a process that dies before the charge leaves a payment whose check ends it; a late charge is not made", async () => {
		const { order } = await newOrder();
		shop.rival.at("before charge", () => checkPayments(order.id));
		await expect(shop.ani.call("v1.orders.pay", { id: order.id })).rejects.toMatchObject({
			type: "PAYMENT_NOT_MADE",
		});
		expect(await settled(order.id)).toEqual([{ order: "pending", payment: "failed", charge: "cancelled" }]);
		expect(await shop.ani.call("v1.orders.pay", { id: order.id })).toMatchObject({ status: "paid" });
	});

	async function checkPayments(order_id: string) {
		await shop.orders.pool.query("UPDATE payments SET check_at = now() WHERE order_id = $1", [order_id]);
		await checkDuePayments(shop.orders);
		// The sweep of the service may have taken it first.
		await eventually("the payment to be checked", async () => {
			const { rowCount } = await shop.orders.pool.query(
				"SELECT FROM payments WHERE order_id = $1 AND status = 'open'",
				[order_id],
			);
			return rowCount === 0;
		});
	}
});

describe("a webhook", () => {
	test("that is sent again while the first is taken in changes nothing more", async () => {
		const { order } = await newOrder();
		const { payment } = await shop.ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
		const { reference = "", amount = 0 } = payment ?? {};
		const id = randomUUID();
		shop.rival.at("before settle_payment", () => webhook(reference, amount, id));
		expect(await webhook(reference, amount, id)).toEqual({ received: true });
		await Promise.all(Array.from({ length: 5 }, () => webhook(reference, amount, id)));
		await webhook(reference, amount);
		const { rows } = await shop.orders.pool.query(
			"SELECT status FROM order_history WHERE order_id = $1 ORDER BY at",
			[order.id],
		);
		expect(rows.map(({ status }) => status)).toEqual(["pending", "paid"]);
	});

	test("that comes in after the order was paid in another way gives the money back", async () => {
		const { order } = await newOrder();
		const { payment } = await shop.ani.call("v1.orders.pay", { id: order.id, method: "transfer" });
		const { reference = "", amount = 0 } = payment ?? {};
		shop.rival.at("before settle_payment", () => shop.ani.call("v1.orders.pay", { id: order.id }));
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
		await shop.ani.call("v1.orders.pay", { id: order.id });
		shop.rival.at("after v1.products.restock", () => Promise.reject(new Error("the answer is lost")));
		await callAction(shop.broker, "v1.orders.refund", { id: order.id, restock: true }, asService());
		await eventually("the units to be back", async () => {
			const now = await shop.stock(product.id);
			return now?.stock === 5 && now.held === 0;
		});
		await shop.orders.tasks.restock_order?.({ order_id: order.id }, {} as never);
		expect(await shop.stock(product.id)).toMatchObject({ stock: 5, held: 0, supplied: 7 });
		expect(await settled(order.id)).toEqual([{ order: "refunded", payment: "refunded", charge: "refunded" }]);
	});

	test("is remembered by products until no job can ask again, however old it is", async () => {
		const { order, product } = await newOrder();
		await shop.ani.call("v1.orders.pay", { id: order.id });
		shop.rival.at("after v1.products.restock", () => Promise.reject(new Error("the answer is lost")));
		await callAction(shop.broker, "v1.orders.refund", { id: order.id, restock: true }, asService());
		const { adapter, sweeper } = shop.products;
		const remembered = async () => Object.keys((await adapter.findOne({ _id: product.id }))?.restocks ?? {});
		const forget = async () => {
			await sweeper.foldLedgers(Date.now() + 30 * 86_400_000);
			return remembered();
		};
		const isDone = async () =>
			(await shop.orders.pool.query("SELECT FROM orders WHERE id = $1 AND restock_done", [order.id]))
				.rowCount === 1;
		await eventually("the units to be back", async () => (await shop.stock(product.id))?.stock === 5);
		const kept = (await isDone()) ? [order.id] : await forget();
		// The job may have ended meanwhile.
		expect(kept.length === 1 || (await isDone())).toBe(true);
		await eventually("the job to be done", isDone);
		if (kept.length === 1) {
			await sweeper.foldLedgers();
			expect(await remembered()).toEqual([order.id]);
			expect(await forget()).toEqual([]);
		}
		await shop.orders.tasks.restock_order?.({ order_id: order.id }, {} as never);
		expect(await shop.stock(product.id)).toMatchObject({ stock: 5, held: 0, supplied: 7 });
	});
});
