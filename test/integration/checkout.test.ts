import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { JobsService } from "../../mixins/jobs.ts";
import { setVariables } from "../variables.ts";
import { api, expectProblem } from "./rest.ts";
import { REGULAR } from "./shipping.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	type Person,
	startGateway,
	startNode,
	stockOf,
} from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
let budi: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	[keeper, budi] = [await admin(shop), await newUser(shop)];
	expect(await post("/shipping-methods", keeper, REGULAR)).toMatchObject({ status: 201, body: REGULAR });
});

afterEach(() => setVariables({ TAX_RATE: undefined, PRICES_INCLUDE_TAX: undefined }));

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const HOME = {
	recipient: "Budi Santoso",
	phone: "+6281234567890",
	line1: "Jalan Braga 99",
	city: "Bandung",
	province: "Jawa Barat",
	postal_code: "40115",
};
const SHIPPED_HOME = { ...HOME, line2: null, country: "ID" };

const { call, post } = api(() => address);

/** Returns the items of a request for so many units of new products at these prices. */
async function itemsAt(prices: number[], quantity = 1) {
	const products = await Promise.all(prices.map((price) => newProduct(shop, 50, price)));
	return products.map(({ id }) => ({ product_id: id, quantity }));
}

function database() {
	return (shop.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool;
}

async function heldOf(items: { product_id: string }[]) {
	return Promise.all(items.map(async ({ product_id }) => (await stockOf(shop, product_id))?.held));
}

describe("an order without anything new", () => {
	test("is collected, costs its lines, and says so in the new fields", async () => {
		const items = await itemsAt([15_000], 3);
		const { status, body } = await post("/orders", budi, { items, shipping_address: "Jalan Melati 5" });
		expect(status).toBe(201);
		expect(body).toMatchObject({
			...{
				subtotal: 45_000,
				discount: 0,
				shipping: 0,
				tax: 0,
				tax_included: true,
				total: 45_000,
				refunded: 0,
			},
			...{ voucher_code: null, shipping_method: "pickup", address: null, shipping_address: "Jalan Melati 5" },
			items: [{ line: 1, options: null, subtotal: 45_000, discount: 0, tax: 0, paid: 45_000 }],
		});
		expect((await call("GET", `/orders/${body.id}`, budi)).body).toEqual(body);
	});

	test("numbers its lines in the order of the request, after lines of one product are summed", async () => {
		const [one, two, three] = await itemsAt([1000, 2000, 3000]);
		const { body } = await post("/orders", budi, { items: [three, one, three, two] });
		expect(
			body.items.map((item: { line: number; price: number; quantity: number }) => [
				item.line,
				item.price,
				item.quantity,
			]),
		).toEqual([
			[1, 3000, 2],
			[2, 1000, 1],
			[3, 2000, 1],
		]);
		expect((await call("GET", `/orders/${body.id}`, budi)).body.items).toEqual(body.items);
	});

	test("shows what was refunded", async () => {
		const { body } = await post("/orders", budi, { items: await itemsAt([15_000]) });
		await post(`/orders/${body.id}/pay`, budi, {});
		const refunded = await post(`/orders/${body.id}/refund`, keeper, {});
		expect(refunded.body).toMatchObject({ status: "refunded", refunded: 15_000, total: 15_000 });
	});
});

test("a process of the version before places orders beside this one", async () => {
	const [id, product_id] = [randomUUID(), (await itemsAt([15_000]))[0]?.product_id];
	const lines = [{ product_id, name: "Kopi", price_minor: 15_000, quantity: 2 }];
	const placed = {
		...{ id, user_id: budi.id, status: "pending", total_minor: 30_000, currency: "IDR" },
		...{ shipping_address: null, note: null, expires_at: new Date(Date.now() + 60_000).toISOString() },
	};
	const event = {
		...{ name: "order.placed", version: 1 },
		data: { order_id: id, number: "", user_id: budi.id, total_minor: 30_000, currency: "IDR", items: lines },
	};
	await database().query("SELECT place_order($1, $2, $3, NULL, NULL, $4)", [
		placed,
		JSON.stringify(lines),
		id,
		event,
	]);
	expect((await call("GET", `/orders/${id}`, budi)).body).toMatchObject({
		...{ subtotal: 30_000, discount: 0, shipping: 0, tax: 0, tax_included: true, total: 30_000, refunded: 0 },
		...{ voucher_code: null, shipping_method: null, address: null },
		items: [{ line: 1, options: null, subtotal: 30_000, discount: 0, tax: 0, paid: 30_000 }],
	});
});

test("the database refuses an order whose total is not the sum of its parts, or of its lines", async () => {
	const { body } = await post("/orders", budi, {
		items: await itemsAt([15_000]),
		shipping_method: "reguler",
		address: HOME,
	});
	for (const change of [
		"total_minor = total_minor + 1",
		"shipping_paid_minor = 0",
		"discount_minor = -1",
		"refunded_minor = total_minor + 1",
	]) {
		await expect(
			database().query(
				`UPDATE orders SET subtotal_minor = coalesce(subtotal_minor, total_minor), ${change} WHERE id = $1`,
				[body.id],
			),
		).rejects.toMatchObject({ constraint: "orders_priced" });
	}
	const id = randomUUID();
	const placed = {
		id,
		user_id: budi.id,
		status: "pending",
		total_minor: 2,
		currency: "IDR",
		expires_at: body.expires_at,
	};
	const lines = [{ product_id: "x", name: "Kopi", price_minor: 1, quantity: 3 }];
	await expect(
		database().query("SELECT place_order($1, $2, $3, NULL, NULL, NULL)", [placed, JSON.stringify(lines), id]),
	).rejects.toMatchObject({ constraint: "orders_paid_in_lines" });
});

describe("shipping", () => {
	test("adds the fee of the method, and the order keeps the address that it was placed with", async () => {
		const items = await itemsAt([100_000]);
		const request = { items, shipping_method: "REGULER", address: HOME };
		const quoted = await post("/orders/quote", undefined, request);
		expect(quoted).toMatchObject({ status: 200, body: { shipping: 9000, total: 109_000, reasons: [] } });
		expect(await heldOf(items)).toEqual([0]);
		const { status, body } = await post("/orders", budi, request);
		expect(status).toBe(201);
		expect(body).toMatchObject({
			...{ subtotal: 100_000, shipping: 9000, total: 109_000 },
			...{ shipping_method: "reguler", address: SHIPPED_HOME, shipping_address: null },
		});
		expect((await call("GET", `/orders/${body.id}`, budi)).body).toEqual(body);
		const paid = await post(`/orders/${body.id}/pay`, budi, {});
		expect(paid).toMatchObject({ status: 200, body: { status: "paid", total: 109_000 } });
	});

	test("weighs what is shipped; an order of nothing to ship needs neither method nor address", async () => {
		const add = async (more: object) => {
			const product = { name: "Kopi", description: "", price: 50_000, stock: 9, category: "kopi", ...more };
			const { body } = await post("/products", keeper, product);
			return { product_id: body.id, quantity: 2 };
		};
		const [heavy, voucher] = [
			await add({ weight_g: 700 }),
			await add({ weight_g: 700, requires_shipping: false }),
		];
		const both = { items: [voucher, heavy], shipping_method: "reguler", address: HOME };
		expect((await post("/orders/quote", undefined, both)).body).toMatchObject({
			weight_g: 1400,
			shipping: 29_000,
		});
		expect((await post("/orders", budi, both)).body).toMatchObject({ shipping: 29_000, total: 229_000 });
		const digital = { items: [voucher], address: HOME };
		expect((await post("/orders/quote", undefined, digital)).body).toMatchObject({
			shipping_method: null,
			reasons: [],
		});
		expect((await post("/orders", budi, digital)).body).toMatchObject({
			...{ shipping: 0, total: 100_000, shipping_method: null },
		});
	});

	test("keeps the options of a variant as they were", async () => {
		const group = { name: "Kaos", description: "", category: "kaos", options: ["ukuran"] };
		const group_id = (await post("/product-groups", keeper, group)).body.id;
		const product = { name: "Kaos", description: "", price: 90_000, stock: 9, category: "kaos" };
		const variant = (await post("/products", keeper, { ...product, group_id, options: { ukuran: "M" } }))
			.body;
		const items = [{ product_id: variant.id, quantity: 1 }];
		expect((await post("/orders/quote", undefined, { items })).body.items).toMatchObject([
			{ options: { ukuran: "M" } },
		]);
		const { body } = await post("/orders", budi, { items });
		expect(
			(await call("PATCH", `/products/${variant.id}`, keeper, { options: { ukuran: "L" } })).status,
		).toBe(200);
		expect((await call("GET", `/orders/${body.id}`, budi)).body.items).toMatchObject([
			{ options: { ukuran: "M" } },
		]);
	});

	test("goes to an address of the buyer's address book, and to nobody else's", async () => {
		const saved = await post("/users/me/addresses", budi, HOME);
		const items = await itemsAt([100_000]);
		const request = { items, shipping_method: "reguler", address_id: saved.body.id };
		expect((await post("/orders/quote", budi, request)).body).toMatchObject({ total: 109_000, reasons: [] });
		expect((await post("/orders", budi, request)).body.address).toEqual(SHIPPED_HOME);
		const ani = await newUser(shop);
		for (const path of ["/orders", "/orders/quote"]) {
			expectProblem(await post(path, ani, request), 404, "ADDRESS_NOT_FOUND");
		}
		expectProblem(await post("/orders/quote", undefined, request), 401, "UNAUTHENTICATED");
		expect(await heldOf(items)).toEqual([1]);
	});

	test("is free from an amount of goods, and not below it", async () => {
		const [below, above] = [await itemsAt([980_000]), await itemsAt([999_000])];
		const more = { shipping_method: "reguler", address: HOME };
		expect((await post("/orders", budi, { items: below, ...more })).body).toMatchObject({ total: 989_000 });
		expect((await post("/orders", budi, { items: above, ...more })).body).toMatchObject({
			...{ total: 999_000, shipping: 0, shipping_method: "reguler" },
		});
	});

	test.each([
		["an unknown method", { shipping_method: "rocket", address: HOME }, "unknown_method"],
		["an address without a method", { address: HOME }, "no_method"],
		["a method without an address", { shipping_method: "reguler" }, "no_address"],
		[
			"a method with an unchecked address",
			{ shipping_method: "reguler", shipping_address: "Jalan" },
			"no_address",
		],
		[
			"an address outside its zones",
			{ shipping_method: "reguler", address: { ...HOME, province: "Bali", postal_code: "80111" } },
			"outside_zones",
		],
	])("is refused for %s, and holds nothing", async (_, given, reason) => {
		const items = await itemsAt([5000]);
		const refused = await post("/orders", budi, { items, ...given });
		expectProblem(refused, 422, "SHIPPING_NOT_AVAILABLE");
		expect(refused.body.reason).toBe(reason);
		expect(await heldOf(items)).toEqual([0]);
	});

	test("that is refused stays refused under its key, although the method ships there since", async () => {
		const items = await itemsAt([5000]);
		const [key, code] = [randomUUID(), `m${randomUUID()}`];
		const order = () =>
			post("/orders", budi, { items, shipping_method: code, address: HOME }, { "idempotency-key": key });
		expectProblem(await order(), 422, "SHIPPING_NOT_AVAILABLE");
		await post("/shipping-methods", keeper, { ...REGULAR, code });
		expectProblem(await order(), 422, "SHIPPING_NOT_AVAILABLE");
		expect((await post("/orders", budi, { items, shipping_method: code, address: HOME })).status).toBe(201);
	});

	test.each([
		["two addresses", { address: HOME, shipping_address: "Jalan Melati 5" }, "shipping_address"],
		["a postal code with letters", { address: { ...HOME, postal_code: "4O115" } }, "address.postal_code"],
		["an unknown country", { address: { ...HOME, country: "XX" } }, "address.country"],
		["an expected total below zero", { expected_total: -1 }, "expected_total"],
		["a method that is no code", { shipping_method: "a b" }, "shipping_method"],
	])("of %s is invalid, in an order and in a quote", async (_, given, path) => {
		const items = await itemsAt([5000]);
		for (const refused of [
			await post("/orders", budi, { items, ...given }),
			await post("/orders/quote", undefined, { items, ...given }),
		]) {
			expectProblem(refused, 422, "VALIDATION_FAILED");
			expect(refused.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
		}
		expect(await heldOf(items)).toEqual([0]);
	});
});

describe("tax", () => {
	test("that prices exclude is added to the total, once for the order", async () => {
		setVariables({ TAX_RATE: "11", PRICES_INCLUDE_TAX: "false" });
		const items = await itemsAt([33_333], 3);
		const { body } = await post("/orders", budi, { items });
		expect(body).toMatchObject({
			...{ subtotal: 99_999, tax: 11_000, tax_included: false, total: 110_999 },
			items: [{ subtotal: 99_999, tax: 11_000, paid: 110_999 }],
		});
		setVariables({ TAX_RATE: "12" });
		expect((await call("GET", `/orders/${body.id}`, budi)).body).toEqual(body);
	});

	test("that prices include is a part of the total", async () => {
		setVariables({ TAX_RATE: "11.00" });
		const { body } = await post("/orders", budi, { items: await itemsAt([89_999], 3) });
		expect(body).toMatchObject({ total: 269_997, tax: 26_756, tax_included: true });
	});
});

describe("an expected total", () => {
	test("that differs from what the order costs now refuses it, and nothing is held", async () => {
		const items = await itemsAt([92_000], 2);
		const [product_id] = items.map((item) => item.product_id);
		await call("PATCH", `/products/${product_id}`, keeper, { price: 95_000 });
		const request = { items, expected_total: 184_000 };
		const quoted = await post("/orders/quote", undefined, request);
		expect(quoted.body).toMatchObject({
			total: 190_000,
			reasons: [{ about: "total", code: "PRICE_CHANGED" }],
		});
		const refused = await post("/orders", budi, request);
		expectProblem(refused, 409, "PRICE_CHANGED");
		expect(refused.body.total).toBe(190_000);
		expect(await heldOf(items)).toEqual([0]);
		expect((await post("/orders", budi, { items, expected_total: 190_000 })).status).toBe(201);
	});
});

describe("a quote", () => {
	test("names the lines that are short, and unknown products", async () => {
		const [item] = await itemsAt([5000]);
		const quoted = await post("/orders/quote", undefined, { items: [{ ...item, quantity: 51 }] });
		expect(quoted.body.reasons).toEqual([
			{ about: "stock", code: "OUT_OF_STOCK", message: expect.any(String), line: 1, available: 50 },
		]);
		const unknown = { product_id: "01a20af7e8d300020f7306eb", quantity: 1 };
		const missing = await post("/orders/quote", undefined, { items: [item, unknown] });
		expectProblem(missing, 404, "PRODUCT_NOT_FOUND");
		expect(missing.body.errors).toEqual([expect.objectContaining({ product_id: unknown.product_id })]);
	});
});

test("a deleted user's addresses are erased from orders and stored responses", async () => {
	const leaver = await newUser(shop);
	const items = await itemsAt([5000]);
	const request = { items, shipping_method: "reguler", address: HOME };
	const { body } = await post("/orders", leaver, request, { "idempotency-key": randomUUID() });
	await post(`/orders/${body.id}/cancel`, leaver, {});
	await call("DELETE", `/users/${leaver.id}`, keeper);
	await eventually("the address to be erased", async () => {
		const order = await call("GET", `/orders/${body.id}`, keeper);
		expect(order.body).toMatchObject({ total: 14_000 });
		return order.body.address === null;
	});
	const { rows } = await database().query(
		"SELECT answer::text AS answer FROM idempotency_keys WHERE user_id = $1",
		[leaver.id],
	);
	expect(rows).toHaveLength(1);
	expect(JSON.stringify(rows)).not.toMatch(/Braga|Bandung|6281234567890/);
});
