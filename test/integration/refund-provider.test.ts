import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { sign } from "../../services/orders/webhook.ts";
import { now, SECRET } from "./paying.ts";
import { RacingShop } from "./racing-shop.ts";
import { eventually, newProduct } from "./shop.ts";

const shop = new RacingShop();

beforeAll(() => shop.start());
afterAll(() => shop.stop());
afterEach(() => expect(shop.rival.waiting).toEqual([]));

async function paidOrder() {
	const { id: product_id } = await newProduct(shop.broker, 10, 20_000);
	const order = await shop.ani.call("v1.orders.place", { items: [{ product_id, quantity: 3 }] });
	await shop.ani.call("v1.orders.pay", { id: order.id });
	return { ...order, product_id };
}

const refundUnit = (id: string) =>
	callAction(
		shop.broker,
		"v1.orders.addRefund",
		{ id, items: [{ line: 1, quantity: 1 }], restock: true },
		asService(),
	);

const refundRest = (id: string) => callAction(shop.broker, "v1.orders.refund", { id }, asService());

/** Returns the order with its refunds and the books of the provider, once the provider has decided about all of them. */
function settled(order_id: string) {
	return eventually("the money", async () => {
		const { rows } = await shop.orders.pool.query(
			`SELECT o.status AS order, o.refunded_minor::integer AS refunded, p.status AS payment, c.status AS charge,
				(SELECT array_agg(r.status ORDER BY sequence) FROM refunds r WHERE r.order_id = o.id) AS refunds,
				(SELECT coalesce(sum(b.amount_minor), 0)::integer FROM sandbox_refunds b WHERE b.reference = p.reference) AS back
			FROM orders o JOIN payments p ON p.order_id = o.id LEFT JOIN sandbox_charges c USING (reference) WHERE o.id = $1`,
			[order_id],
		);
		return !rows[0].refunds.includes("pending") && rows[0];
	});
}

/** Sends the webhook of a settled transfer. */
function tell({ reference, amount }: { reference: string; amount: number }) {
	const payload = JSON.stringify({ id: randomUUID(), type: "payment.settled", reference, amount });
	return callAction(shop.broker, "v1.orders.takePaymentEvent", {
		payload,
		signature: sign(SECRET(), payload, now()),
	});
}

/** The provider gives money back without the shop, as by its own dashboard. */
function giveBackByHand(order_id: string, amount_minor: number) {
	return shop.orders.pool.query(
		`INSERT INTO sandbox_refunds (id, reference, amount_minor)
		SELECT 'by hand ' || reference, reference, $2 FROM payments WHERE order_id = $1`,
		[order_id, amount_minor],
	);
}

describe("a refund", () => {
	test("is pending while the provider is away, before or after it has paid, and is then made once", async () => {
		const [one, other] = [await paidOrder(), await paidOrder()];
		for (const point of ["before refund", "after refund"] as const) {
			shop.rival.at(point, () => Promise.reject(new Error("the provider is away")));
		}
		for (const { id } of [one, other]) {
			expect(await refundUnit(id)).toMatchObject({ status: "pending", amount: 20_000 });
		}
		for (const { id, product_id } of [one, other]) {
			expect(await settled(id)).toEqual({
				...{ order: "paid", refunded: 20_000, payment: "settled", charge: "settled", refunds: ["refunded"] },
				back: 20_000,
			});
			await eventually("the unit", async () => (await shop.stock(product_id))?.stock === 8);
		}
	});

	test("puts its units back once, although products' answer is lost and the job runs again", async () => {
		const { id, product_id } = await paidOrder();
		shop.rival.at("after v1.products.restock", () => Promise.reject(new Error("the answer is lost")));
		const refund = await refundUnit(id);
		const { orders, products } = shop;
		await eventually("the job to be done", async () => {
			const { rowCount } = await orders.pool.query("SELECT FROM refunds WHERE id = $1 AND restock_done", [
				refund.id,
			]);
			return rowCount === 1;
		});
		await products.sweeper.foldLedgers(Date.now() + 30 * 86_400_000);
		const document = await products.adapter.findOne({ _id: product_id });
		expect(document).toMatchObject({ ledger: {}, ledger_sums: { restock: 1 } });
		await orders.tasks.restock_refund?.({ refund_id: refund.id }, {} as never);
		await orders.tasks.pay_refund?.({ refund_id: refund.id }, {} as never);
		expect(await shop.stock(product_id)).toMatchObject({ stock: 8, held: 0, supplied: 11 });
		expect(await settled(id)).toMatchObject({ refunds: ["refunded"], back: 20_000 });
	});

	test("that the provider refuses stays granted: its money is owed, and nothing of it is refunded twice", async () => {
		const { id, product_id } = await paidOrder();
		await giveBackByHand(id, 45_000);
		const refund = await refundUnit(id);
		expect(await settled(id)).toEqual({
			...{ order: "paid", refunded: 20_000, payment: "settled", charge: "settled", refunds: ["refused"] },
			back: 45_000,
		});
		await eventually("the unit", async () => (await shop.stock(product_id))?.stock === 8);
		expect(await shop.ani.call("v1.orders.refunds", { id })).toMatchObject([
			{ id: refund.id, status: "refused" },
		]);
		await expect(
			callAction(shop.broker, "v1.orders.addRefund", { id, amount: 40_001 }, asService()),
		).rejects.toMatchObject({ type: "REFUND_TOO_LARGE", data: { refundable: 40_000 } });
		expect(await refundRest(id)).toMatchObject({ status: "refunded", refunded: 60_000 });
		expect(await settled(id)).toMatchObject({
			payment: "settled",
			refunds: ["refused", "refused"],
			back: 45_000,
		});
	});

	test("of the whole that the provider refuses leaves the payment settled", async () => {
		const { id } = await paidOrder();
		await giveBackByHand(id, 1);
		expect(await refundRest(id)).toMatchObject({ status: "refunded", refunded: 60_000 });
		expect(await settled(id)).toMatchObject({
			payment: "settled",
			charge: "settled",
			refunds: ["refused"],
			back: 1,
		});
	});

	test("of a transfer gives back parts of what its webhook told", async () => {
		const { id: product_id } = await newProduct(shop.broker, 10, 20_000);
		const { id } = await shop.ani.call("v1.orders.place", { items: [{ product_id, quantity: 3 }] });
		const { payment } = await shop.ani.call("v1.orders.pay", { id, method: "transfer" });
		await tell(payment as { reference: string; amount: number });
		await refundUnit(id);
		expect(await settled(id)).toMatchObject({ charge: "settled", refunds: ["refunded"], back: 20_000 });
		await refundRest(id);
		expect(await settled(id)).toMatchObject({ payment: "refunded", charge: "refunded", back: 60_000 });
	});
});

test("the sandbox gives a charge back in parts, each once, and never more than was charged", async () => {
	const { provider } = shop.orders;
	const reference = `pay_${randomUUID()}`;
	const due_at = new Date();
	await provider.charge({
		reference,
		method: "instant",
		amount_minor: 100,
		currency: "IDR",
		description: "x",
		due_at,
	});
	const refund = (id: string, amount_minor: number) =>
		provider.refund({ id: `${reference} ${id}`, reference, amount_minor, charged_minor: 100 });
	const parts = await Promise.all(Array.from({ length: 12 }, (_, part) => refund(`part ${part % 6}`, 20)));
	expect(parts.filter((outcome) => outcome === "refunded")).toHaveLength(10);
	expect(parts.filter((outcome) => outcome === "refused")).toHaveLength(2);
	expect(await refund("one more", 1)).toBe("refused");
	const [refunded] = parts.flatMap((outcome, part) => (outcome === "refunded" ? [part % 6] : []));
	expect(await refund(`part ${refunded}`, 20)).toBe("refunded");
	expect(await refund(`part ${refunded}`, 19)).toBe("refused");
});
