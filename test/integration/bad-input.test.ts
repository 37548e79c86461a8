import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { admin, newProduct, newUser, PASSWORD, type Person, SERVICES, startNode } from "./shop.ts";

let shop: ServiceBroker;
let address: string;
let buyer: Person;
let keeper: Person;
let product_id: string;

beforeAll(async () => {
	shop = await startNode(...SERVICES, "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	address = gatewayAddress(shop.getLocalService("api"));
	buyer = await newUser(shop);
	keeper = await admin(shop);
	product_id = (await newProduct(shop, 100)).id;
});

afterAll(() => shop.stop());

async function send(method: string, path: string, body?: unknown, as?: Person) {
	const response = await fetch(`${address}/api/v1${path}`, {
		method,
		headers: {
			...(body === undefined ? {} : { "content-type": "application/json" }),
			...(as ? { authorization: `Bearer ${as.token}` } : {}),
		},
		...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** Returns the stored data, to verify that a refused request changed nothing. */
async function stored() {
	const [users, orders, { products }, stock] = await Promise.all([
		callAction(shop, "v1.users.list", { limit: 100 }, asService()),
		callAction(shop, "v1.orders.list", { limit: 100 }, asService()),
		callAction(shop, "v1.products.count", {}),
		callAction(shop, "v1.products.stock", { product: product_id }, asService()),
	]);
	return { users: users.items.length, orders: orders.items.length, products, stock };
}

const BAD_TEXTS: [string, unknown][] = [
	["an operator", { $gt: "" }],
	["another operator", { $ne: null }],
	["a list", ["a"]],
	["null", null],
	["a number", 7],
	["nothing but spaces", "   "],
	["a NUL", "a\u0000bcdefgh@toko.test"],
	["a line of control characters", "\u001b[31mred\u001b[0m"],
	["half a surrogate", "abc\ud800defgh"],
	["far too much", "x".repeat(10_000)],
];
const BAD_COUNTS: [string, unknown][] = [
	["zero", 0],
	["a negative number", -1],
	["a fraction", 1.5],
	["a million millions", 1e12],
	["text", "1"],
	["NaN as text", "NaN"],
	["null", null],
	["an operator", { $gt: 0 }],
	["a list", [1]],
];

const person = { email: "baru@toko.test", username: "baru", password: PASSWORD, full_name: "Baru" };
const goods = { name: "Teh", description: "Hijau", price: 1000, stock: 5, category: "teh" };

type Case = [
	string,
	string,
	string,
	(value: unknown) => unknown,
	string,
	"buyer" | "keeper" | "nobody",
	[string, unknown][],
];

const cases: Case[] = [
	...(["email", "username", "password", "full_name"] as const).map(
		(field): Case => [
			`${field} of a new user`,
			"POST",
			"/users/register",
			(value) => ({ ...person, [field]: value }),
			field,
			"nobody",
			field === "password" ? BAD_TEXTS.filter(([name]) => !/NUL|control|spaces/.test(name)) : BAD_TEXTS,
		],
	),
	...(["email", "password"] as const).map(
		(field): Case => [
			`${field} at a login`,
			"POST",
			"/users/login",
			(value) => ({ email: person.email, password: PASSWORD, [field]: value }),
			field,
			"nobody",
			BAD_TEXTS.filter(([name]) => field === "email" || !/NUL|control|spaces|surrogate/.test(name)),
		],
	),
	...(["name", "category"] as const).map(
		(field): Case => [
			`${field} of a new product`,
			"POST",
			"/products",
			(value) => ({ ...goods, [field]: value }),
			field,
			"keeper",
			BAD_TEXTS,
		],
	),
	...(["price", "stock"] as const).map(
		(field): Case => [
			`${field} of a new product`,
			"POST",
			"/products",
			(value) => ({ ...goods, [field]: value }),
			field,
			"keeper",
			BAD_COUNTS.filter(([name]) => name !== "zero").map(([name, value]): [string, unknown] => [
				name,
				value === 1e12 ? 1e13 : value,
			]),
		],
	),
	[
		"quantity of an order",
		"POST",
		"/orders",
		(quantity) => ({ items: [{ product_id, quantity }] }),
		"items.0.quantity",
		"buyer",
		BAD_COUNTS,
	],
	[
		"product of an order",
		"POST",
		"/orders",
		(id) => ({ items: [{ product_id: id, quantity: 1 }] }),
		"items.0.product_id",
		"buyer",
		BAD_TEXTS.filter(([, value]) => typeof value !== "string" || value.length > 1000),
	],
	[
		"note of an order",
		"POST",
		"/orders",
		(note) => ({ items: [{ product_id, quantity: 1 }], note }),
		"note",
		"buyer",
		BAD_TEXTS,
	],
	[
		"items of an order",
		"POST",
		"/orders",
		(items) => ({ items }),
		"items",
		"buyer",
		[
			["nothing", []],
			["text", "x"],
			["an object", {}],
			["null", null],
			["1,000 lines", Array.from({ length: 1000 }, () => ({ product_id: "x", quantity: 1 }))],
		],
	],
];

describe.each(cases)("%s", (_, method, path, body, field, who, values) => {
	test.each(values)("cannot be %s", async (_, value) => {
		const before = await stored();
		const as = { buyer, keeper, nobody: undefined }[who];
		const answer = await send(method, path, body(value), as);
		expect(answer).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
		const paths: string[] = answer.body.errors.map((error: { path: string }) => error.path);
		expect(paths.some((found) => found.startsWith(field))).toBe(true);
		expect(answer.body.errors.every(({ message }: { message: string }) => message.length > 5)).toBe(true);
		expect(await stored()).toEqual(before);
	});
});

test.each([
	["POST", "/users/register", { ...person, role: "admin" }, "role"],
	["POST", "/users/register", { ...person, is_verified: true }, "is_verified"],
	[
		"POST",
		"/users/register",
		`{"email":"a@toko.test","username":"aaa","password":"12345678","full_name":"A","__proto__":{"role":"admin"}}`,
		"__proto__",
	],
	["POST", "/users/register", { ...person, constructor: { prototype: {} } }, "constructor"],
	["POST", "/products", { ...goods, id: "1" }, "id"],
	["POST", "/orders", { items: [], idempotency_key: "x" }, "idempotency_key"],
	["POST", "/orders", { items: [], total: 1 }, "total"],
	["GET", "/products?colour=red", undefined, "colour"],
	["PATCH", "/products/1", { stock: 5 }, "stock"],
	["PATCH", "/products/1", { id: "2" }, "id"],
])("%s %s refuses an unknown field", async (method, path, body, field) => {
	const before = await stored();
	const answer = await send(method, path, body, keeper);
	expect(answer).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
	expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(field);
	expect(await stored()).toEqual(before);
});

test.each([
	"skip=-1",
	"skip=1.5",
	"limit=0",
	"limit=101",
	"limit=1e9",
	"limit=abc",
	"limit=",
	"limit=1.000",
	"limit=1,000",
	"limit=%D9%A3",
	"skip=9007199254740993",
	"max_price=150.000",
	"max_price=150,000",
	"max_price=1.000.000",
	"max_price=1e400",
	"min_price=0x10",
	"in_stock=maybe",
	"limit=1&limit=2",
	"limit[$gt]=1",
	"category[$ne]=x",
	"category=",
	"category=a&category=b",
])("a list refuses %s", async (query) => {
	const answer = await send("GET", `/products?${query}`);
	expect(answer).toMatchObject({
		status: 422,
		body: { code: "VALIDATION_FAILED", errors: [{ path: expect.any(String) }] },
	});
});

test.each(["0", "-1", "1.5", "2147483648", "abc", "%00", "1e3", "$gt", "x".repeat(3000)])(
	"nothing is found by the id %s",
	async (id) => {
		for (const path of [`/users/${id}`, `/products/${id}`, `/orders/${id}`, `/notifications/${id}`]) {
			expect([path.slice(0, 30), (await send("GET", path, undefined, keeper)).status]).toEqual([
				path.slice(0, 30),
				404,
			]);
		}
		expect((await send("PATCH", `/products/${id}`, { name: "Teh" }, keeper)).status).toBe(404);
		expect((await send("PUT", `/products/${id}/stock?quantity=1`, undefined, keeper)).status).toBe(404);
		expect((await send("POST", `/orders/${id}/cancel`, undefined, keeper)).status).toBe(404);
	},
);

test.each(["max_price=92000.00", "max_price=92000", "max_price=%2B92000", "min_price=1.5e"])(
	"a list takes %s, if it has one meaning",
	async (query) => {
		expect((await send("GET", `/products?${query}`)).status).toBe(query.endsWith("e") ? 422 : 200);
	},
);

describe("a number that can be read in two ways", () => {
	const refused = (path: string, thousands: string, decimal: string) => ({
		status: 422,
		body: {
			code: "VALIDATION_FAILED",
			errors: [
				{ path, message: expect.stringContaining(`as ${thousands} or as ${decimal}: write ${thousands} or`) },
			],
		},
	});

	test.each(["1.000", "1,000", "+1.000", "-1.000", "%201.000"])(
		"does not change a stock by %s",
		async (quantity) => {
			const before = await stored();
			const sign = quantity.startsWith("-") ? "-" : "";
			expect(
				await send("PUT", `/products/${product_id}/stock?quantity=${quantity}`, undefined, keeper),
			).toMatchObject(refused("quantity", `${sign}1000`, `${sign}1`));
			expect(await stored()).toEqual(before);
		},
	);

	test.each([
		[
			"POST",
			"/products",
			'{"name":"Teh","description":"","price":150.000,"stock":5,"category":"teh"}',
			"price",
			"150000",
			"150",
		],
		[
			"POST",
			"/products",
			'{"name":"Teh","description":"","price":5,"stock":1.000,"category":"teh"}',
			"stock",
			"1000",
			"1",
		],
		["PATCH", "/products/ID", '{"price":1.250}', "price", "1250", "1.25"],
		["POST", "/orders", '{"items":[{"product_id":"ID","quantity":2.000}]}', "items.0.quantity", "2000", "2"],
	])("is refused in the body of %s %s", async (method, path, body, field, thousands, decimal) => {
		const before = await stored();
		expect(
			await send(method, path.replace("ID", product_id), body.replace("ID", product_id), keeper),
		).toMatchObject(refused(field, thousands, decimal));
		expect(await stored()).toEqual(before);
	});

	test("is another than 92000.00, which a body may have, and than text", async () => {
		const answer = await send(
			"POST",
			"/products",
			'{"name":"Teh 1.000 gram","description":"1.000","price":92000.00,"stock":5,"category":"teh"}',
			keeper,
		);
		expect(answer).toMatchObject({ status: 201, body: { price: 92_000, name: "Teh 1.000 gram" } });
	});
});

test.each([
	["quantity", '{"items":[{"product_id":"ID","quantity":9007199254740993}]}', "must be at most 10000"],
	["quantity", '{"items":[{"product_id":"ID","quantity":1e400}]}', "must be at most 10000"],
	["quantity", '{"items":[{"product_id":"ID","quantity":10001}]}', "must be at most 10000"],
	["quantity", '{"items":[{"product_id":"ID","quantity":-1e400}]}', "must be at least 1"],
	["quantity", '{"items":[{"product_id":"ID","quantity":"2"}]}', "must be a number, not text"],
	["quantity", '{"items":[{"product_id":"ID"}]}', "is required"],
	["product_id", '{"items":[{"quantity":1}]}', "is required"],
])("the message about %s in %s says what is wrong with it", async (field, body, message) => {
	expect(await send("POST", "/orders", body.replace("ID", product_id), buyer)).toMatchObject({
		status: 422,
		body: { errors: [{ path: `items.0.${field}`, message }] },
	});
});

test.each(["1.5", "abc", "", "1e3", "99999999999"])("stock cannot change by %s", async (quantity) => {
	const before = await stored();
	expect(
		await send("PUT", `/products/${product_id}/stock?quantity=${quantity}`, undefined, keeper),
	).toMatchObject({
		status: 422,
		body: { errors: [{ path: "quantity" }] },
	});
	expect(await stored()).toEqual(before);
});

test("an invalid Idempotency-Key is refused", async () => {
	const response = await fetch(`${address}/api/v1/orders`, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			authorization: `Bearer ${buyer.token}`,
			"idempotency-key": "x".repeat(300),
		},
		body: JSON.stringify({ items: [{ product_id, quantity: 1 }] }),
	});
	expect(response.status).toBe(422);
	expect(await response.json()).toMatchObject({ errors: [{ path: "idempotency_key" }] });
});
