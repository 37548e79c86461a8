import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import type { Operator } from "../../cli/repl/operator.ts";
import { operatorCommands } from "../../cli/repl/operator-commands.ts";
import type { PayingService } from "../../services/orders/payments.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { loseRecords, newKey } from "./keyed-client.ts";
import { api } from "./rest.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	type Person,
	SERVICES,
	startGateway,
	startNode,
	stockOf,
} from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
let buyer: Person;
const { call, post } = api(() => address);

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	({ gateway, address } = await startGateway());
	keeper = await admin(shop);
	buyer = await newUser(shop);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const database = () =>
	(shop.getLocalService({ name: "orders", version: 1 }) as unknown as PayingService).pool;

/** Places an order of these quantities and prices, and pays it. */
async function paidOrder(items: { quantity: number; price?: number }[], given: object = {}) {
	const products = await Promise.all(items.map(({ price = 15_000 }) => newProduct(shop, 100, price)));
	const lines = items.map(({ quantity }, place) => ({ product_id: products[place]?.id, quantity }));
	const placed = await post("/orders", buyer, { items: lines, ...given });
	expect(placed).toMatchObject({ status: 201 });
	expect((await post(`/orders/${placed.body.id}/pay`, buyer, {})).status).toBe(200);
	return { order: placed.body, products: products.map(({ id }) => id) };
}

const refund = (id: string, body: unknown, headers?: Record<string, string>) =>
	post(`/orders/${id}/refunds`, keeper, body, headers);

const unit = (line: number, quantity = 1) => ({ items: [{ line, quantity }] });

async function orderOf(id: string) {
	return (await call("GET", `/orders/${id}`, buyer)).body;
}

async function refundsOf(id: string) {
	return (await call("GET", `/orders/${id}/refunds`, buyer)).body;
}

/** Returns the refunds of an order once the provider has decided about all of them. */
function settled(id: string) {
	return eventually("the money", async () => {
		const refunds = await refundsOf(id);
		return refunds.every(({ status }: { status: string }) => status !== "pending") && refunds;
	});
}

/** Returns what the provider charged for an order, and what it gave back. */
async function booksOf(id: string) {
	const { rows } = await database().query(
		`SELECT p.status AS payment, c.status AS charge, p.amount_minor::integer AS charged,
			(SELECT coalesce(sum(r.amount_minor), 0)::integer FROM sandbox_refunds r WHERE r.reference = p.reference) AS back
		FROM payments p LEFT JOIN sandbox_charges c USING (reference) WHERE p.order_id = $1`,
		[id],
	);
	return rows;
}

async function nothingChanged(id: string) {
	expect(await refundsOf(id)).toEqual([]);
	expect((await orderOf(id)).refunded).toBe(0);
}

describe("a refund of a part", () => {
	test("gives back what was paid for it after the discount; the other lines stay as they were", async () => {
		const code = `V${randomUUID()}`;
		await post("/vouchers", keeper, { code, kind: "amount", value: 10_000 });
		const prices = [150_000, 60_000, 33_333].map((price) => ({ quantity: 1, price }));
		const { order } = await paidOrder(prices, { voucher_code: code });
		expect(order.items.map(({ discount }: { discount: number }) => discount)).toEqual([6164, 2466, 1370]);
		const given = await refund(order.id, { ...unit(1), reason: "Kemasan rusak" });
		expect(given).toMatchObject({
			status: 201,
			body: {
				...{ order_id: order.id, sequence: 1, amount: 143_836, reason: "Kemasan rusak", restock: false },
				...{ items: [{ line: 1, quantity: 1, amount: 143_836 }], shipping: 0, other: 0 },
			},
		});
		const { items, status, refunded } = await orderOf(order.id);
		expect({ items, status, refunded }).toEqual({ items: order.items, status: "paid", refunded: 143_836 });
		expect(await settled(order.id)).toMatchObject([{ id: given.body.id, status: "refunded" }]);
		expect(await booksOf(order.id)).toEqual([
			{ payment: "settled", charge: "settled", charged: 233_333, back: 143_836 },
		]);
	});

	test("puts its units back on sale where asked to, and the last one refunds the order", async () => {
		const { order, products } = await paidOrder([{ quantity: 3, price: 33_333 }]);
		await post(`/orders/${order.id}/ship`, keeper, {});
		expect((await refund(order.id, { ...unit(1, 2), restock: true })).body.amount).toBe(66_666);
		await eventually("two units", async () => (await stockOf(shop, products[0] as string))?.stock === 99);
		expect(await orderOf(order.id)).toMatchObject({ status: "shipped", refunded: 66_666 });
		expect((await refund(order.id, unit(1))).body.amount).toBe(33_333);
		expect(await orderOf(order.id)).toMatchObject({ status: "refunded", refunded: 99_999 });
		await settled(order.id);
		expect(await booksOf(order.id)).toEqual([
			{ payment: "refunded", charge: "refunded", charged: 99_999, back: 99_999 },
		]);
		await eventually("the hold to go", async () => (await stockOf(shop, products[0] as string))?.held === 0);
		expect(await stockOf(shop, products[0] as string)).toMatchObject({ stock: 99, held: 0, supplied: 102 });
		const again = await refund(order.id, unit(1));
		expect(again).toMatchObject({ status: 409, body: { code: "REFUND_TOO_LARGE", refundable: 0 } });
	});

	test("is followed by the refund of what is left", async () => {
		const { order, products } = await paidOrder([{ quantity: 3 }, { quantity: 2, price: 7 }]);
		expect((await refund(order.id, { ...unit(1), amount: 3 })).body).toMatchObject({ amount: 15_003 });
		const rest = await post(`/orders/${order.id}/refund`, keeper, { restock: true });
		expect(rest).toMatchObject({ status: 200, body: { status: "refunded", refunded: 45_014 } });
		expect(await settled(order.id)).toMatchObject([
			{ sequence: 1, amount: 15_003, items: [{ line: 1, quantity: 1, amount: 15_000 }], other: 3 },
			{
				...{ sequence: 2, amount: 30_011, restock: true, shipping: 0, other: 0 },
				items: [
					{ line: 1, quantity: 2, amount: 30_000 },
					{ line: 2, quantity: 2, amount: 11 },
				],
			},
		]);
		await eventually("the units", async () => (await stockOf(shop, products[1] as string))?.stock === 100);
		await eventually("the units", async () => (await stockOf(shop, products[0] as string))?.stock === 99);
		expect(await booksOf(order.id)).toMatchObject([{ payment: "refunded", back: 45_014 }]);
	});

	test("is made once for a key", async () => {
		const { order } = await paidOrder([{ quantity: 3 }]);
		const key = { "idempotency-key": newKey() };
		const given = await refund(order.id, unit(1), key);
		expect(await refund(order.id, unit(1), key)).toMatchObject({ status: 201, body: given.body });
		expect(await refund(order.id, unit(1, 2), key)).toMatchObject({
			status: 422,
			body: { code: "KEY_REUSED" },
		});
		await loseRecords(gateway);
		expect((await refund(order.id, unit(1), key)).body.id).toBe(given.body.id);
		expect((await refundsOf(order.id)).map(({ id }: { id: string }) => id)).toEqual([given.body.id]);
	});

	test("of an order that cost nothing moves no money", async () => {
		const { order, products } = await paidOrder([{ quantity: 2, price: 0 }]);
		expect((await refund(order.id, { ...unit(1), restock: true })).body).toMatchObject({
			...{ amount: 0, status: "refunded" },
		});
		expect(await orderOf(order.id)).toMatchObject({ status: "paid" });
		await eventually("the unit", async () => (await stockOf(shop, products[0] as string))?.stock === 99);
		await refund(order.id, unit(1));
		expect(await orderOf(order.id)).toMatchObject({ status: "refunded" });
		expect(await booksOf(order.id)).toEqual([]);
	});
});

describe("nothing is refunded by a request", () => {
	let paid: { id: string };

	beforeAll(async () => {
		paid = (await paidOrder([{ quantity: 3 }, { quantity: 2 }])).order;
	});

	test.each<[string, unknown, number, object]>([
		["for a line that is not there", unit(3), 422, { errors: [{ path: "items.0.line" }] }],
		["for no units", unit(1, 0), 422, { errors: [{ path: "items.0.quantity" }] }],
		["for -1 unit", unit(1, -1), 422, { errors: [{ path: "items.0.quantity" }] }],
		["for a part of a unit", unit(1, 0.5), 422, { errors: [{ path: "items.0.quantity" }] }],
		["for more units than were bought", unit(2, 3), 409, { code: "REFUND_TOO_LARGE", refundable: 75_000 }],
		[
			"for one line twice, with more units than were bought",
			{ items: [...unit(2).items, ...unit(2, 2).items] },
			409,
			{ code: "REFUND_TOO_LARGE", refundable: 75_000 },
		],
		["for more than is left", { amount: 75_001 }, 409, { code: "REFUND_TOO_LARGE", refundable: 75_000 }],
		["for units and more than is left", { ...unit(1), amount: 60_001 }, 409, { code: "REFUND_TOO_LARGE" }],
		["for an amount of 1e300", { amount: 1e300 }, 422, { errors: [{ path: "amount" }] }],
		["for 1e300 units", unit(1, 1e300), 422, { errors: [{ path: "items.0.quantity" }] }],
		["for a negative amount", { amount: -1 }, 422, { errors: [{ path: "amount" }] }],
		["for half a rupiah", { amount: 0.5 }, 422, { errors: [{ path: "amount" }] }],
		["for nothing", {}, 422, { errors: [{ path: "items" }] }],
		["for no items", { items: [], shipping: false, amount: 0 }, 422, { errors: [{ path: "items" }] }],
		["with an unknown field", { ...unit(1), status: "refunded" }, 422, { errors: [{ path: "status" }] }],
		["with a reason of nothing", { ...unit(1), reason: " " }, 422, { errors: [{ path: "reason" }] }],
	])("%s", async (_, body, status, problem) => {
		expect(await refund(paid.id, body)).toMatchObject({ status, body: problem });
		await nothingChanged(paid.id);
	});

	test("of anybody but an admin, who alone sees the refunds of others", async () => {
		const stranger = await newUser(shop);
		for (const person of [buyer, stranger]) {
			expect(await post(`/orders/${paid.id}/refunds`, person, unit(1))).toMatchObject({
				...{ status: 403, body: { code: "FORBIDDEN" } },
			});
		}
		expect((await post(`/orders/${paid.id}/refunds`, undefined, unit(1))).status).toBe(401);
		await nothingChanged(paid.id);
		expect(await call("GET", `/orders/${paid.id}/refunds`, stranger)).toMatchObject({
			...{ status: 404, body: { code: "ORDER_NOT_FOUND" } },
		});
		expect(await call("GET", `/orders/${paid.id}/refunds`, keeper)).toMatchObject({ status: 200, body: [] });
	});

	test("for an order that was not paid, was cancelled or does not exist", async () => {
		const product = await newProduct(shop, 5);
		const items = [{ product_id: product.id, quantity: 1 }];
		const { id } = (await post("/orders", buyer, { items })).body;
		for (const state of ["pending", "cancelled"]) {
			expect(await refund(id, unit(1))).toMatchObject({
				...{ status: 409, body: { code: "ORDER_IN_OTHER_STATE", state } },
			});
			await post(`/orders/${id}/cancel`, buyer, {});
		}
		for (const unknown of [randomUUID(), "x"]) {
			expect(await refund(unknown, unit(1))).toMatchObject({ status: 404 });
		}
	});
});

describe("refund at the REPL", () => {
	/** Runs the command, and returns what it prints. */
	async function type(order: string, json?: string): Promise<string> {
		const printed: unknown[] = [];
		const spies = (["log", "error"] as const).map((name) =>
			jest.spyOn(console, name).mockImplementation((...line) => {
				printed.push(...line);
			}),
		);
		const command = operatorCommands({} as Operator).find((one) => one.command.startsWith("refund "));
		await command?.action(shop, { order, ...(json === undefined ? {} : { json }) });
		for (const spy of spies) {
			spy.mockRestore();
		}
		return printed.join("\n");
	}

	test("refunds a part, then the rest, and says what is wrong", async () => {
		const { order } = await paidOrder([{ quantity: 3 }]);
		expect(await type(order.number, JSON.stringify(unit(1)))).toMatch(/paid +45000 +15000/);
		expect(await type(order.number, '{"amount": 30001}')).toMatch(
			/^refund: .* 30000 can still be refunded.*$/,
		);
		expect(await type(order.number, JSON.stringify(unit(2)))).toMatch(
			/^refund: items\.0\.line: must be .*$/m,
		);
		for (const json of ["[]", "{", "1", "null"]) {
			expect(await type(order.number, json)).toMatch(
				/^refund: .* is no JSON object: write it in single quotes.*$/,
			);
		}
		expect(await type("TK-999999")).toBe("refund: There is no such order.");
		expect(await type(order.number)).toMatch(/refunded +45000 +45000/);
		expect(await type(order.number)).toMatch(/^refund: The order is refunded.*$/);
	});
});

/** Parts that are asked for one after the other; not all of them are left. */
const parts = fc.array(
	fc.record({
		items: fc.array(
			fc.record({ line: fc.integer({ min: 1, max: 2 }), quantity: fc.integer({ min: 1, max: 3 }) }),
			{
				maxLength: 2,
			},
		),
		shipping: fc.boolean(),
		amount: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30_000 })),
		restock: fc.boolean(),
	}),
	{ minLength: 1, maxLength: 5 },
);
const goods = fc.tuple(
	...[0, 1].map(() =>
		fc.record({ quantity: fc.integer({ min: 1, max: 5 }), price: fc.integer({ min: 1, max: 99_999 }) }),
	),
);

test("refunds of any parts of an order with discount, fee and tax, with the rest, sum to what was paid", async () => {
	setVariables({ TAX_RATE: "11", PRICES_INCLUDE_TAX: "false" });
	const code = `V${randomUUID()}`;
	await post("/vouchers", keeper, { code, kind: "percent", value: 12.5 });
	const bands = [{ up_to_g: 1000, fee: 9001 }];
	await post("/shipping-methods", keeper, {
		code: "reguler",
		name: "JNE",
		zones: [{ country: "ID" }],
		bands,
	});
	const address = {
		...{ recipient: "Budi", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
		...{ province: "Jawa Barat", postal_code: "40115" },
	};
	const runs = fc.asyncProperty(goods, parts, async (lines, requests) => {
		const { order } = await paidOrder(lines, { voucher_code: code, shipping_method: "reguler", address });
		const outcomes = [];
		for (const request of requests) {
			const { status, body } = await refund(order.id, request);
			outcomes.push(`${status} ${body.code ?? ""}`);
		}
		const known = ["201 ", "409 REFUND_TOO_LARGE", "409 ORDER_IN_OTHER_STATE", "422 VALIDATION_FAILED"];
		expect(outcomes.filter((outcome) => !known.includes(outcome))).toEqual([]);
		await post(`/orders/${order.id}/refund`, keeper, {});
		expect(await orderOf(order.id)).toMatchObject({ status: "refunded", refunded: order.total });
		const refunds = await settled(order.id);
		expect(refunds.every(({ amount }: { amount: number }) => amount >= 0)).toBe(true);
		expect(refunds.reduce((sum: number, { amount }: { amount: number }) => sum + amount, 0)).toBe(
			order.total,
		);
		expect(await booksOf(order.id)).toMatchObject([{ payment: "refunded", back: order.total }]);
	});
	await fc.assert(runs, { numRuns: 10, endOnFailure: true });
	setVariables({ TAX_RATE: undefined, PRICES_INCLUDE_TAX: undefined });
});

test("afterwards the audit finds nothing", async () => {
	const sources = await openSources();
	const { breaches } = await audit(sources, 40_000);
	await sources.close();
	expect(breaches).toEqual([]);
});
