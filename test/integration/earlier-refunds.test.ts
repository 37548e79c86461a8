import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { PayingService } from "../../services/orders/payments.ts";
import { argumentsOf, emptyEvent } from "../../services/orders/transitions.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { eventually, newProduct, newUser, type Person, SERVICES, startNode, stockOf } from "./shop.ts";

// A process of orders of the version before, in a database of this version, calls refund_order(), gives the whole
// payment back at the sandbox by a statement of its own, and calls note_refund().

let shop: ServiceBroker;
let buyer: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	buyer = await newUser(shop);
});

afterAll(() => shop.stop());

const orders = () => shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService;

async function paidOrder() {
	const { id: product_id } = await newProduct(shop, 10, 20_000);
	const { id } = await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 3 }] });
	await buyer.call("v1.orders.pay", { id });
	return { id, product_id };
}

async function refundAsBefore(id: string): Promise<boolean> {
	const { from, to, event } = argumentsOf("refund");
	const { rows } = await orders().pool.query(
		"SELECT refund_order($1, $2, $3, 'admin:1', $4, true) AS moved",
		[...[id, from, to, JSON.stringify(event)]],
	);
	return rows[0].moved;
}

/** Waits for the refunds of an order. */
function settled(id: string) {
	return eventually("the money", async () => {
		const refunds = await buyer.call("v1.orders.refunds", { id });
		return refunds.every(({ status }) => status === "refunded") && refunds;
	});
}

test("a process of the version before refunds a whole order, whose refund has all lines", async () => {
	const { id, product_id } = await paidOrder();
	expect(await refundAsBefore(id)).toBe(true);
	expect(await refundAsBefore(id)).toBe(false);
	expect(await settled(id)).toMatchObject([
		{ sequence: 1, amount: 60_000, items: [{ line: 1, quantity: 3, amount: 60_000 }], restock: true },
	]);
	await eventually("the units", async () => (await stockOf(shop, product_id))?.stock === 10);
});

test("it gives the whole back although a process of this version has begun, and the other way round", async () => {
	for (const isFirst of [true, false]) {
		const { id } = await paidOrder();
		const { pool, provider } = orders();
		const { refund } = provider;
		const { rows } = await pool.query("SELECT reference FROM payments WHERE order_id = $1", [id]);
		const { reference } = rows[0];
		const giveBack = () =>
			pool.query(
				`INSERT INTO sandbox_charges (reference, amount_minor, status) VALUES ($1, $2, 'refunded')
				ON CONFLICT (reference) DO UPDATE SET status = 'refunded', amount_minor = excluded.amount_minor`,
				[reference, 60_000],
			);
		provider.refund = async (request) => {
			if (isFirst) {
				await giveBack();
			}
			const outcome = await refund.call(provider, request);
			if (!isFirst) {
				await giveBack();
			}
			return outcome;
		};
		await callAction(shop, "v1.orders.refund", { id }, asService());
		await settled(id);
		await pool.query("SELECT note_refund($1, $2)", [
			reference,
			JSON.stringify(emptyEvent("payment.refunded")),
		]);
		provider.refund = refund;
		const { rows: books } = await pool.query(
			`SELECT p.status, sum(b.amount_minor)::integer AS back
			FROM payments p JOIN sandbox_refunds b USING (reference) WHERE p.reference = $1 GROUP BY p.status`,
			[reference],
		);
		expect(books).toEqual([{ status: "refunded", back: 60_000 }]);
	}
});

test("it refunds nothing of an order that was refunded in part", async () => {
	const { id } = await paidOrder();
	await callAction(shop, "v1.orders.addRefund", { id, amount: 1 }, asService());
	expect(await refundAsBefore(id)).toBe(false);
	expect(await buyer.call("v1.orders.get", { id })).toMatchObject({ status: "paid", refunded: 1 });
});

test("an order that was refunded before reads as before", async () => {
	const { id } = await paidOrder();
	expect(await refundAsBefore(id)).toBe(true);
	await settled(id);
	const { pool } = orders();
	// The credit note is the latest one, so no number is missing without it.
	await eventually("the credit note to be removed", async () => {
		const { rowCount } = await pool.query(
			`WITH gone AS (
				DELETE FROM credit_notes n USING refunds r WHERE r.id = n.refund_id AND r.order_id = $1 RETURNING n.sequence
			)
			UPDATE invoice_counters SET last = last - 1 FROM gone WHERE series = 'credit_notes' AND last = sequence`,
			[id],
		);
		return rowCount === 1;
	});
	await pool.query(
		"DELETE FROM refund_lines WHERE refund_id IN (SELECT id FROM refunds WHERE order_id = $1)",
		[id],
	);
	await pool.query("DELETE FROM refunds WHERE order_id = $1", [id]);
	await pool.query("UPDATE order_lines SET refunded_quantity = 0 WHERE order_id = $1", [id]);
	expect(await buyer.call("v1.orders.get", { id })).toMatchObject({ status: "refunded", refunded: 60_000 });
	expect(await buyer.call("v1.orders.refunds", { id })).toEqual([]);
	await expect(callAction(shop, "v1.orders.addRefund", { id, amount: 1 }, asService())).rejects.toMatchObject(
		{ type: "REFUND_TOO_LARGE", data: { refundable: 0 } },
	);
});

test("afterwards the audit finds nothing", async () => {
	const sources = await openSources();
	const { breaches } = await audit(sources, 40_000);
	await sources.close();
	expect(breaches).toEqual([]);
});
