import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { by, type Cart, carts } from "./carts.ts";
import { type Answer, expectProblem } from "./rest.ts";
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

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	keeper = await admin(shop);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const { call, newCart, order, post, put, read } = carts(() => address);

function database() {
	return (shop.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool;
}

const heldOf = async ({ id }: { id: string }) => (await stockOf(shop, id))?.held;

describe("a guest's cart", () => {
	test("is begun empty, with a token that only the first answer has", async () => {
		const { status, body, headers } = await post("/carts", undefined, {});
		expect(status).toBe(201);
		expect(headers.get("location")).toBe(`/api/v1/carts/${body.id}`);
		expect(body).toMatchObject({
			...{ status: "open", version: 1, order_id: null, merged_into: null, items: [], reasons: [] },
			...{ subtotal: 0, discount: 0, shipping: 0, tax: 0, tax_included: true, total: 0, weight_g: 0 },
		});
		expect(Buffer.from(body.token, "base64url")).toHaveLength(32);
		const found = await read(body);
		expect(found.body).toEqual((({ token, ...rest }) => rest)(body));
		expect(found.headers.get("cache-control")).toBe("private, no-store");
		const { rows } = await database().query("SELECT to_jsonb(c)::text AS row FROM carts c WHERE id = $1", [
			body.id,
		]);
		expect(rows[0].row).not.toContain(body.token);
	});

	test("shows its products as they are, in the order in which they came, and holds nothing", async () => {
		const [cart, kopi, teh] = [
			await newCart(),
			await newProduct(shop, 5, 15_000),
			await newProduct(shop, 5, 900),
		];
		await put(cart, kopi, 1);
		await put(cart, teh, 3);
		const { status, body } = await put(cart, kopi, 2);
		expect(status).toBe(200);
		expect(body).toMatchObject({
			...{ version: 4, subtotal: 32_700, total: 32_700, reasons: [] },
			items: [
				{
					...{ line: 1, product_id: kopi.id, name: kopi.name, options: null, price: 15_000, quantity: 2 },
					...{ subtotal: 30_000, discount: 0, tax: 0, paid: 30_000, available: 5, price_changed_from: null },
				},
				{ line: 2, product_id: teh.id, quantity: 3, subtotal: 2700 },
			],
		});
		expect((await read(cart)).body.items).toEqual(body.items);
		expect([await heldOf(kopi), await heldOf(teh)]).toEqual([0, 0]);
		expect((await put(cart, kopi, 0)).body.items).toMatchObject([{ line: 1, product_id: teh.id }]);
		expect((await put(cart, kopi, 1)).body.items).toMatchObject([
			{ product_id: teh.id },
			{ product_id: kopi.id },
		]);
	});

	test("is the same after a repetition, whose version does not rise", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		const first = await put(cart, kopi, 2);
		const again = await put(cart, kopi, 2);
		expect({ ...again.body, touched_at: "" }).toEqual({ ...first.body, touched_at: "" });
		expect((await put(cart, { id: "unknown" }, 0)).body).toMatchObject({ version: first.body.version });
	});

	test("gives the first answer to a key again, and changes nothing", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		const key = { "idempotency-key": randomUUID() };
		const path = `/carts/${cart.id}/items/${kopi.id}`;
		const putByKey = (quantity: number, headers = by(cart)) =>
			call("PUT", path, undefined, { quantity }, { ...headers, ...key });
		const first = await putByKey(2);
		expect(first).toMatchObject({ status: 200, body: { version: 2 } });
		await put(cart, kopi, 5);
		expect(await putByKey(2)).toMatchObject({ status: 200, body: first.body });
		expect(await putByKey(4)).toMatchObject({ status: 422, body: { code: "KEY_REUSED" } });
		expect(await putByKey(2, by({ token: "x".repeat(43) }))).toMatchObject({ status: 404 });
		expect((await read(cart)).body.items).toMatchObject([{ quantity: 5 }]);
	});

	test("gives the first answer to a key of its owner again", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 5)];
		const { id } = await newCart(budi);
		const key = { "idempotency-key": randomUUID() };
		const putByKey = (quantity: number) =>
			call("PUT", `/carts/${id}/items/${kopi.id}`, budi, { quantity }, key);
		const first = await putByKey(2);
		expect(first.status).toBe(200);
		expect((await call("PUT", `/carts/${id}/items/${kopi.id}`, budi, { quantity: 5 })).status).toBe(200);
		expect(await putByKey(2)).toMatchObject({ status: 200, body: first.body });
		expect(await putByKey(4)).toMatchObject({ status: 422, body: { code: "KEY_REUSED" } });
	});

	test("says which prices have changed, until the line is put again", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5, 92_000)];
		await put(cart, kopi, 2);
		await keeper.call("v1.products.update", { id: kopi.id, price: 95_000 });
		const { body } = await read(cart);
		expect(body).toMatchObject({ total: 190_000, items: [{ price: 95_000, price_changed_from: 92_000 }] });
		expect((await put(cart, kopi, 2)).body.items).toMatchObject([
			{ price: 95_000, price_changed_from: null },
		]);
	});

	test("keeps what cannot be ordered, and leaves it out of its sums", async () => {
		const [cart, gone, short, there] = [
			await newCart(),
			await newProduct(shop, 5, 1000),
			await newProduct(shop, 2, 2000),
			await newProduct(shop, 5, 4000),
		];
		await put(cart, gone, 1);
		await put(cart, short, 3);
		await put(cart, there, 1);
		await keeper.call("v1.products.remove", { id: gone.id });
		const { body } = await read(cart);
		expect(body).toMatchObject({
			...{ subtotal: 4000, total: 4000 },
			items: [
				{
					product_id: gone.id,
					name: gone.name,
					price: null,
					quantity: 1,
					available: 0,
					subtotal: 0,
					paid: 0,
				},
				{ product_id: short.id, price: 2000, quantity: 3, available: 2, subtotal: 0, paid: 0 },
				{ product_id: there.id, available: 5, subtotal: 4000, paid: 4000 },
			],
			reasons: [
				{ about: "stock", code: "OUT_OF_STOCK", line: 1, available: 0 },
				{ about: "stock", code: "OUT_OF_STOCK", line: 2, available: 2 },
			],
		});
	});

	test("stays readable and changeable when it costs more than an order can", async () => {
		const cart = await newCart();
		const dear = await Promise.all([1, 2].map(() => newProduct(shop, 10_000, 1_000_000_000_000)));
		for (const product of dear) {
			await put(cart, product, 10_000);
		}
		const { status, body } = await read(cart);
		expect(status).toBe(200);
		expect(body).toMatchObject({ total: 0, reasons: [{ about: "total", code: "TOTAL_TOO_LARGE" }] });
		expectProblem(await order(cart, keeper), 422, "TOTAL_TOO_LARGE");
		expect((await put(cart, dear[0] as { id: string }, 0)).body.items).toHaveLength(1);
	});

	test("has at most 100 products, also if 110 are put at once", async () => {
		const cart = await newCart();
		const products = await Promise.all(Array.from({ length: 110 }, () => newProduct(shop, 5)));
		// They wait for one another at the row of the cart; on a busy machine some have to be repeated, which changes nothing else.
		const answers = await Promise.all(
			products.map((product) =>
				eventually("a response", async () => {
					const answer = await put(cart, product, 1);
					return answer.status < 500 && answer;
				}),
			),
		);
		const full = answers.filter(({ status }) => status !== 200);
		expect(full).toHaveLength(10);
		expectProblem(full[0] as Answer, 409, "CART_FULL");
		expect(full[0]?.body.max).toBe(100);
		const { body } = await read(cart);
		expect(body).toMatchObject({ version: 101 });
		expect(body.items).toHaveLength(100);
		const kept = products.filter((_, place) => answers[place]?.status === 200);
		expect((await put(cart, kept[0] as { id: string }, 2)).status).toBe(200);
	});
});

describe("a cart is not found", () => {
	const UNKNOWN = "01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b";
	let cart: Cart;
	let kopi: { id: string };
	let budi: Person;

	beforeAll(async () => {
		[cart, kopi, budi] = [await newCart(), await newProduct(shop, 5), await newUser(shop)];
		await put(cart, kopi, 1);
	});

	test.each<[string, (cart: Cart) => Promise<[id: string, headers: Record<string, string>, as?: Person]>]>([
		["without a token", async (cart) => [cart.id, {}]],
		["with an empty token", async (cart) => [cart.id, { "cart-token": "" }]],
		["with the token of another cart", async (cart) => [cart.id, by(await newCart())]],
		["with its token in another case", async (cart) => [cart.id, { "cart-token": cart.token.toLowerCase() }]],
		["with a token of 10,000 characters", async (cart) => [cart.id, { "cart-token": "a".repeat(10_000) }]],
		[
			"with a token that has other characters",
			async (cart) => [cart.id, { "cart-token": `${"é".repeat(43)}` }],
		],
		["by another user", async (cart) => [cart.id, {}, budi]],
		["by an admin", async (cart) => [cart.id, {}, keeper]],
		["under an unknown id", async (cart) => [UNKNOWN, by(cart)]],
		["under an id that is no UUID", async (cart) => [`${cart.id}x`, by(cart)]],
	])("%s, with the same answer for each action", async (_, given) => {
		const [id, headers, as] = await given(cart);
		const answers = [
			await call("GET", `/carts/${id}`, as, undefined, headers),
			await call("PUT", `/carts/${id}/items/${kopi.id}`, as, { quantity: 2 }, headers),
			await call("POST", `/carts/${id}/merge`, as ?? budi, {}, headers),
			await post("/orders", as ?? budi, { cart_id: id }, headers),
			await post("/orders/quote", as, { cart_id: id }, headers),
		];
		for (const answer of answers) {
			expectProblem(answer, 404, "CART_NOT_FOUND", answers[0]?.body.detail);
		}
		expect((await read(cart)).body).toMatchObject({ status: "open", version: 2, items: [{ quantity: 1 }] });
	});

	test("under any id by an access token that is not valid, which is refused first", async () => {
		const [own, forged] = [await newCart(budi), { ...keeper, token: "a.b.c" }];
		for (const id of [own.id, UNKNOWN]) {
			expectProblem(await call("GET", `/carts/${id}`, forged), 401, "TOKEN_INVALID");
		}
	});

	test("by a token in the address, which would be logged", async () => {
		const answer = await call("GET", `/carts/${cart.id}?cart_token=${cart.token}`);
		expectProblem(answer, 422, "VALIDATION_FAILED");
	});
});

describe("a user's cart", () => {
	test("is the same on each device, without a token", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 5)];
		const cart = await newCart(budi);
		expect((await put(cart, kopi, 2, budi)).status).toBe(200);
		const again = await post("/carts", budi, {});
		expect(again.status).toBe(200);
		expect(again.headers.get("location")).toBeNull();
		expect(again.body).toMatchObject({
			id: cart.id,
			token: null,
			items: [{ product_id: kopi.id, quantity: 2 }],
		});
		expect((await call("GET", `/carts/${cart.id}`, budi)).body.items).toHaveLength(1);
		expect((await read(cart)).status).toBe(200);
	});

	test("is one, also if it is asked for 20 times at once", async () => {
		const budi = await newUser(shop);
		const answers = await Promise.all(Array.from({ length: 20 }, () => post("/carts", budi, {})));
		expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
		expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201]);
		expect(answers.filter(({ body }) => body.token !== null)).toHaveLength(1);
	});

	test("is followed by another one when it is ordered", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 5)];
		const cart = await newCart(budi);
		await put(cart, kopi, 1, budi);
		expect((await post("/orders", budi, { cart_id: cart.id })).status).toBe(201);
		expect((await newCart(budi)).id).not.toBe(cart.id);
	});

	test("is not begun with a token that is not valid", async () => {
		expectProblem(await post("/carts", { ...keeper, token: "a.b.c" }, {}), 401, "TOKEN_INVALID");
	});
});

describe("putting", () => {
	test("a product that does not exist is refused, and changes nothing", async () => {
		const cart = await newCart();
		expectProblem(await put(cart, { id: "01a20af7e8d300020f7306eb" }, 1), 404, "PRODUCT_NOT_FOUND");
		expect((await read(cart)).body).toMatchObject({ version: 1, items: [] });
	});

	test.each([-1, 1.5, 10_001, "2", null, {}])("a quantity of %j is refused", async (quantity) => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		const answer = await put(cart, kopi, quantity);
		expectProblem(answer, 422, "VALIDATION_FAILED");
		expect(answer.body.errors).toMatchObject([{ path: "quantity" }]);
		expect((await read(cart)).body.items).toEqual([]);
	});

	test("into an ordered cart names its order; reading shows it", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		await put(cart, kopi, 1);
		const placed = await order(cart, keeper);
		const refused = await put(cart, kopi, 2);
		expectProblem(refused, 409, "CART_ORDERED");
		expect(refused.body.order_id).toBe(placed.body.id);
		expect((await read(cart)).body).toMatchObject({ status: "ordered", order_id: placed.body.id });
	});
});

test("the operator finds a cart by its id", async () => {
	const [budi, kopi] = [await newUser(shop), await newProduct(shop, 5)];
	const cart = await newCart(budi);
	await put(cart, kopi, 2, budi);
	expect(await callAction(shop, "v1.orders.findCart", { id: cart.id }, asService())).toMatchObject({
		...{ id: cart.id, user_id: budi.id, status: "open", items: [{ quantity: 2 }] },
	});
	await expect(callAction(shop, "v1.orders.findCart", { id: "none" }, asService())).rejects.toMatchObject({
		type: "CART_NOT_FOUND",
	});
});
