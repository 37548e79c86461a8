import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PayingService } from "../../services/orders/payments.ts";
import { Gateway, pick, type Told } from "./paying.ts";
import { admin, eventually, newProduct, newUser, type Person, SERVICES, startNode, stockOf } from "./shop.ts";

let shop: ServiceBroker;
let gateway: Gateway;
let buyer: Person;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES, "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	gateway = new Gateway(shop, gatewayAddress(shop.getLocalService("api")));
	buyer = await newUser(shop);
	keeper = await admin(shop);
});

afterAll(() => shop.stop());

const database = () =>
	(shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService).pool;
const post: Gateway["post"] = (...given) => gateway.post(...given);
const tell = (told: Told) => gateway.tell(told);
const newOrder = () => gateway.newOrder(buyer);
const transfer = () => gateway.transfer(buyer);
const statusOf = async (id: string) => (await buyer.call("v1.orders.get", { id })).status;

async function mailsAbout(number: string) {
	const { items: mails } = await buyer.call("v1.notifications.list", { limit: 100 });
	return mails.filter(({ subject }) => subject?.includes(`#${number}`)).map(({ type }) => type);
}

describe("an order", () => {
	test("is paid at once, shipped and completed; its units are sold and its customer told", async () => {
		const { order, product } = await newOrder();
		const paid = await post(`/orders/${order.id}/pay`, buyer);
		expect(paid).toMatchObject({
			status: 200,
			body: { ...order, status: "paid", updated_at: expect.any(String) },
		});
		expect(paid.body).not.toHaveProperty("payment");
		expect(await post(`/orders/${order.id}/ship`, keeper)).toMatchObject({
			status: 200,
			body: { status: "shipped" },
		});
		expect(await post(`/orders/${order.id}/complete`, keeper)).toMatchObject({
			body: { status: "completed" },
		});
		await eventually("the hold to go", async () => (await stockOf(shop, product.id))?.held === 0);
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 3, supplied: 5 });
		await eventually("the mails", async () => (await mailsAbout(order.number)).length === 3);
		expect((await mailsAbout(order.number)).sort()).toEqual([
			"order_confirmation",
			"order_paid",
			"order_shipped",
		]);
	});

	test("is shipped, completed and refunded by admins only, and paid by its owner or an admin", async () => {
		const { order } = await newOrder();
		const stranger = await newUser(shop);
		expect((await post(`/orders/${order.id}/pay`, stranger)).status).toBe(404);
		expect((await post(`/orders/${order.id}/pay`)).status).toBe(401);
		for (const step of ["ship", "complete", "refund"]) {
			expect(await post(`/orders/${order.id}/${step}`, buyer)).toMatchObject({
				status: 403,
				body: { code: "FORBIDDEN" },
			});
		}
		expect((await post(`/orders/${order.id}/pay`, keeper, { method: "instant" })).body.status).toBe("paid");
	});

	test("says in which state it is where a step does not start from there", async () => {
		const { order } = await newOrder();
		for (const step of ["ship", "complete", "refund"]) {
			expect(await post(`/orders/${order.id}/${step}`, keeper)).toMatchObject({
				status: 409,
				body: { code: "ORDER_IN_OTHER_STATE", state: "pending" },
			});
		}
		await post(`/orders/${order.id}/pay`, buyer);
		const refused = (state: string) => ({ status: 409, body: { code: "ORDER_IN_OTHER_STATE", state } });
		for (const step of ["pay", "cancel"]) {
			expect(await post(`/orders/${order.id}/${step}`, buyer)).toMatchObject(refused("paid"));
		}
		await post(`/orders/${order.id}/ship`, keeper);
		for (const method of ["instant", "transfer"]) {
			expect(await post(`/orders/${order.id}/pay`, buyer, { method })).toMatchObject(refused("shipped"));
		}
		await post(`/orders/${order.id}/refund`, keeper);
		expect(await post(`/orders/${order.id}/pay`, buyer)).toMatchObject(refused("refunded"));
		expect(await post(`/orders/${order.id}/refund`, keeper, { restock: true })).toMatchObject(
			refused("refunded"),
		);
		const { order: cancelled } = await newOrder();
		await post(`/orders/${cancelled.id}/cancel`, buyer);
		expect(await post(`/orders/${cancelled.id}/pay`, buyer)).toMatchObject(refused("cancelled"));
	});

	test("is where a step leads to already: asking again is refused and changes nothing", async () => {
		const { order } = await newOrder();
		const refund = { restock: true };
		for (const [step, who, body] of [
			["pay", buyer, { method: "instant" }],
			["ship", keeper],
			["complete", keeper],
			["refund", keeper, refund],
		] as const) {
			const first = await post(`/orders/${order.id}/${step}`, who, body);
			expect(first.status).toBe(200);
			const { status: state } = first.body;
			expect(await post(`/orders/${order.id}/${step}`, who, body)).toMatchObject({
				status: 409,
				body: { code: "ORDER_IN_OTHER_STATE", state },
			});
		}
		const { rows } = await database().query(
			`SELECT (SELECT count(*)::integer FROM order_history WHERE order_id = $1) AS steps,
				(SELECT sequence FROM event_sequences WHERE aggregate = 'order:' || $1) AS events,
				(SELECT count(*)::integer FROM payments WHERE order_id = $1::uuid) AS payments`,
			[order.id],
		);
		expect(rows).toEqual([{ steps: 5, events: 5, payments: 1 }]);
	});

	test.each(["instant", "transfer"])(
		"of nothing is paid at once by %s, without a payment",
		async (method) => {
			const product = await newProduct(shop, 5, 0);
			const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
			const paid = await post(`/orders/${order.id}/pay`, buyer, { method });
			expect(paid).toMatchObject({ status: 200, body: { status: "paid", total: 0 } });
			expect(paid.body).not.toHaveProperty("payment");
			expect((await post(`/orders/${order.id}/pay`, buyer, { method })).status).toBe(409);
			await eventually("the hold to go", async () => (await stockOf(shop, product.id))?.held === 0);
			expect(await post(`/orders/${order.id}/refund`, keeper, { restock: true })).toMatchObject({
				status: 200,
				body: { status: "refunded" },
			});
			await eventually("the units", async () => (await stockOf(shop, product.id))?.stock === 5);
			// A job of an earlier test may still be there.
			await eventually("no payment and no refund", async () => {
				const { rows } = await database().query(
					`SELECT reference FROM payments WHERE order_id = $1
				UNION ALL SELECT key FROM graphile_worker.jobs WHERE task_identifier = 'refund_payment'`,
					[order.id],
				);
				return rows.length === 0;
			});
		},
	);

	test("of nothing that is cancelled cannot be paid", async () => {
		const product = await newProduct(shop, 5, 0);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 1 }] });
		await post(`/orders/${order.id}/cancel`, buyer);
		expect(await post(`/orders/${order.id}/pay`, buyer)).toMatchObject({
			status: 409,
			body: { code: "ORDER_IN_OTHER_STATE", state: "cancelled" },
		});
	});

	test.each([[undefined], [{}], [{ restock: false }]])(
		"is refunded without its units by %j",
		async (body) => {
			const { order, product } = await newOrder();
			await post(`/orders/${order.id}/pay`, buyer);
			expect(await post(`/orders/${order.id}/refund`, keeper, body)).toMatchObject({
				status: 200,
				body: { status: "refunded" },
			});
			await eventually("the money to go back", async () => {
				const { rows } = await database().query("SELECT status FROM payments WHERE order_id = $1", [
					order.id,
				]);
				return rows[0].status === "refunded";
			});
			expect(await stockOf(shop, product.id)).toMatchObject({ stock: 3, supplied: 5 });
			expect((await post(`/orders/${order.id}/refund`, keeper, { restock: true })).status).toBe(409);
			await eventually("the mail", async () => (await mailsAbout(order.number)).includes("order_refunded"));
		},
	);

	test("that is refunded with its units puts them back on sale", async () => {
		const { order, product } = await newOrder();
		await post(`/orders/${order.id}/pay`, buyer);
		await post(`/orders/${order.id}/ship`, keeper);
		await post(`/orders/${order.id}/refund`, keeper, { restock: true });
		await eventually("the units", async () => {
			const now = await stockOf(shop, product.id);
			return now?.stock === 5 && now.held === 0;
		});
		expect(await stockOf(shop, product.id)).toMatchObject({ supplied: 7 });
	});

	test.each([
		["another method", "pay", { method: "cash" }],
		["an unknown field", "pay", { method: "instant", amount: 1 }],
		["an operator", "pay", { method: { $gt: "" } }],
		["a text for a boolean", "refund", { restock: "true" }],
	])("refuses %s and stays as it is", async (_, step, body) => {
		const { order } = await newOrder();
		expect(await post(`/orders/${order.id}/${step}`, keeper, body)).toMatchObject({
			status: 422,
			body: { code: "VALIDATION_FAILED" },
		});
		expect(await statusOf(order.id)).toBe("pending");
	});
});

describe("a transfer", () => {
	test("answers 202 with what to pay, the same however often it is asked; a webhook settles it", async () => {
		const { order } = await newOrder();
		const first = await post(`/orders/${order.id}/pay`, buyer, { method: "transfer" });
		expect(first).toMatchObject({
			status: 202,
			body: { id: order.id, status: "pending", payment: { amount: 30_000, due_at: order.expires_at } },
		});
		expect(await post(`/orders/${order.id}/pay`, buyer, { method: "transfer" })).toEqual(first);
		const { reference, amount } = first.body.payment;
		expect(await tell({ reference, amount })).toEqual({ status: 200, body: { received: true } });
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that failed leaves the order to be paid in another way; a settlement after that still counts", async () => {
		const { order, payment } = await transfer();
		expect((await tell({ ...pick(payment), type: "payment.failed" })).status).toBe(200);
		expect(await statusOf(order.id)).toBe("pending");
		expect((await tell(pick(payment))).status).toBe(200);
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that arrives after the order was cancelled goes back, and the customer is told", async () => {
		const { order, product, payment } = await transfer();
		await post(`/orders/${order.id}/cancel`, buyer);
		expect((await tell(pick(payment))).status).toBe(200);
		expect(await statusOf(order.id)).toBe("cancelled");
		await eventually("the mail", async () => (await mailsAbout(order.number)).includes("payment_refunded"));
		const { rows } = await database().query("SELECT status FROM sandbox_charges WHERE reference = $1", [
			payment.reference,
		]);
		expect(rows).toEqual([{ status: "refunded" }]);
		await eventually("the hold to go", async () => (await stockOf(shop, product.id))?.held === 0);
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 5, held: 0 });
	});
});
