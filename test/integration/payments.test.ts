import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PayingService } from "../../services/orders/payments.ts";
import { sign } from "../../services/orders/webhook.ts";
import { admin, eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";

let shop: ServiceBroker;
let address: string;
let buyer: Person;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders", "notifications", "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	address = gatewayAddress(shop.getLocalService("api"));
	buyer = await newUser(shop);
	keeper = await admin(shop);
});

afterAll(() => shop.stop());

const SECRET = () => process.env.PAYMENT_WEBHOOK_SECRET as string;
const now = () => Math.floor(Date.now() / 1000);
const database = () =>
	(shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService).pool;

async function post(path: string, as?: Person, body?: unknown, headers: Record<string, string> = {}) {
	const response = await fetch(`${address}/api/v1${path}`, {
		method: "POST",
		headers: {
			...(body === undefined ? {} : { "content-type": "application/json" }),
			...(as ? { authorization: `Bearer ${as.token}` } : {}),
			...headers,
		},
		...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
	return { status: response.status, body: JSON.parse(await response.text()) };
}

interface Told {
	id?: string;
	type?: string;
	reference: string;
	amount: number;
}

/** Tells as the provider does, rightly signed unless another signature is given. */
function tell(told: Told, signature?: string) {
	const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...told });
	return post("/payments/webhook", undefined, body, {
		"toko-signature": signature ?? sign(SECRET(), body, now()),
	});
}

async function newOrder(quantity = 2) {
	const product = await newProduct(shop, 5, 15_000);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity }] });
	return { product, order };
}

async function transfer() {
	const { order, product } = await newOrder();
	const { body } = await post(`/orders/${order.id}/pay`, buyer, { method: "transfer" });
	return { order, product, payment: body.payment as { reference: string; amount: number; due_at: string } };
}

const statusOf = async (id: string) => (await buyer.call("v1.orders.get", { id })).status;

async function mailsAbout(number: string) {
	const mails = await buyer.call("v1.notifications.list", { limit: 100 });
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
		expect(await post(`/orders/${order.id}/cancel`, buyer)).toMatchObject(refused("paid"));
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

	test("is where a step leads to already: asking again succeeds and changes nothing", async () => {
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
			expect(await post(`/orders/${order.id}/${step}`, who, body)).toEqual(first);
			if (step === "pay") {
				expect(await post(`/orders/${order.id}/pay`, buyer, { method: "transfer" })).toEqual(first);
			}
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
			expect(await post(`/orders/${order.id}/pay`, buyer, { method })).toEqual(paid);
			await eventually("the hold to go", async () => (await stockOf(shop, product.id))?.held === 0);
			expect(await post(`/orders/${order.id}/refund`, keeper, { restock: true })).toMatchObject({
				status: 200,
				body: { status: "refunded" },
			});
			await eventually("the units", async () => (await stockOf(shop, product.id))?.stock === 5);
			const { rows } = await database().query(
				`SELECT reference FROM payments WHERE order_id = $1
			UNION ALL SELECT key FROM graphile_worker.jobs WHERE task_identifier = 'refund_payment'`,
				[order.id],
			);
			expect(rows).toEqual([]);
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
		await eventually("the units", async () => (await stockOf(shop, product.id))?.stock === 5);
		expect(await stockOf(shop, product.id)).toMatchObject({ held: 0, supplied: 7 });
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
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 5, held: 0 });
	});
});

describe("a webhook that is refused changes nothing", () => {
	test.each([
		["without a signature", () => ""],
		["with a signature of another secret", (body: string) => sign("another", body, now())],
		["with a signature of another body", () => sign(SECRET(), "{}", now())],
		["signed six minutes ago", (body: string) => sign(SECRET(), body, now() - 360)],
		["signed six minutes ahead", (body: string) => sign(SECRET(), body, now() + 360)],
		[
			"with a time that was changed",
			(body: string) => sign(SECRET(), body, now()).replace(/t=\d+/, `t=${now() - 1}`),
		],
		["with two times", (body: string) => `t=1,${sign(SECRET(), body, now())}`],
		["with nonsense", () => "t=NaN,v1=zz"],
	])("%s: 401", async (_, signature) => {
		const { order, payment } = await transfer();
		const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...pick(payment) });
		const answer = await post("/payments/webhook", undefined, body, { "toko-signature": signature(body) });
		expect(answer).toMatchObject({ status: 401, body: { code: "SIGNATURE_INVALID" } });
		expect(await statusOf(order.id)).toBe("pending");
	});

	test.each([
		["of an unknown payment", { reference: "pay_unknown" }, 404, "PAYMENT_NOT_FOUND"],
		["of another amount", { amount: 29_999 }, 422, "PAYMENT_AMOUNT_DIFFERS"],
		["of a part of the smallest unit more", { amount: 30_000.4 }, 422, "VALIDATION_FAILED"],
		["of a part of the smallest unit less", { amount: 29_999.5 }, 422, "VALIDATION_FAILED"],
		["of more than can be kept", { amount: 1e21 }, 422, "VALIDATION_FAILED"],
		["with an unknown type", { type: "payment.maybe" }, 422, "VALIDATION_FAILED"],
		["with an unknown field", { currency: "IDR" }, 422, "VALIDATION_FAILED"],
		["with an amount as text", { amount: "30000" }, 422, "VALIDATION_FAILED"],
	])("%s", async (_, changes, status, code) => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect(await tell({ ...pick(payment), id, ...changes } as Told)).toMatchObject({
			status,
			body: { code },
		});
		expect(await statusOf(order.id)).toBe("pending");
		// Its id was not used up: the right message is taken.
		expect((await tell({ ...pick(payment), id })).status).toBe(200);
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that is no JSON", async () => {
		const answer = await post("/payments/webhook", undefined, "{", {
			"toko-signature": sign(SECRET(), "{", now()),
		});
		expect(answer).toMatchObject({ status: 400, body: { code: "MALFORMED_BODY" } });
	});
});

describe("the id of a webhook", () => {
	test.each([
		["another reference", async () => pick((await transfer()).payment)],
		["another type", async () => ({ type: "payment.failed" })],
		["another amount", async () => ({ amount: 29_999 })],
		["a reference that there is not", async () => ({ reference: "pay_unknown" })],
	])("that came before is refused with %s, and nothing is changed", async (_, change) => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect((await tell({ ...pick(payment), id })).status).toBe(200);
		const other = { ...pick(payment), id, ...(await change()) };
		for (let time = 0; time < 2; time++) {
			expect(await tell(other)).toMatchObject({ status: 409, body: { code: "WEBHOOK_ID_REUSED" } });
		}
		const { rows } = await database().query("SELECT status FROM payments WHERE reference = $1", [
			other.reference,
		]);
		expect(rows.map(({ status }) => status)).toEqual(
			other.reference === "pay_unknown" ? [] : [other.reference === payment.reference ? "settled" : "open"],
		);
		expect(await statusOf(order.id)).toBe("paid");
		// The same message is known.
		expect(await tell({ ...pick(payment), id })).toEqual({ status: 200, body: { received: true } });
	});

	test("that said failed is not that of the settlement, which is taken under its own", async () => {
		const { order, payment } = await transfer();
		const id = randomUUID();
		expect((await tell({ ...pick(payment), id, type: "payment.failed" })).status).toBe(200);
		expect((await tell({ ...pick(payment), id })).status).toBe(409);
		expect(await statusOf(order.id)).toBe("pending");
		expect((await tell(pick(payment))).status).toBe(200);
		expect(await statusOf(order.id)).toBe("paid");
	});

	test("that two payments come with at the same moment is that of one", async () => {
		const id = randomUUID();
		const transfers = [await transfer(), await transfer(), await transfer()];
		const answers = await Promise.all(transfers.map(({ payment }) => tell({ ...pick(payment), id })));
		expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
		const states = await Promise.all(transfers.map(({ order }) => statusOf(order.id)));
		expect(states).toEqual(answers.map(({ status }) => (status === 200 ? "paid" : "pending")));
	});

	test("is told about in the reader's language", async () => {
		const { payment } = await transfer();
		const id = randomUUID();
		await tell({ ...pick(payment), id });
		const body = JSON.stringify({ id, type: "payment.failed", ...pick(payment) });
		const signature = { "toko-signature": sign(SECRET(), body, now()), "accept-language": "id" };
		expect(await post("/payments/webhook", undefined, body, signature)).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining("Id webhook ini sudah dipakai") },
		});
	});
});

test("a provider may send the signatures of two secrets while one is changed", async () => {
	const { order, payment } = await transfer();
	const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...pick(payment) });
	const [old] = [sign("the old secret", body, now())];
	const [, right] = sign(SECRET(), body, now()).split(",");
	expect(
		(await post("/payments/webhook", undefined, body, { "toko-signature": `${old},${right}` })).status,
	).toBe(200);
	expect(await statusOf(order.id)).toBe("paid");
});

function pick({ reference, amount }: { reference: string; amount: number }) {
	return { reference, amount };
}
