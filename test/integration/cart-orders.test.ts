import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { JobsService } from "../../mixins/jobs.ts";
import { setVariables } from "../variables.ts";
import { by, type Cart, carts } from "./carts.ts";
import { type Answer, expectProblem } from "./rest.ts";
import { admin, newProduct, newUser, type Person, startGateway, startNode, stockOf } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	keeper = await admin(shop);
});

afterEach(() => setVariables({ TAX_RATE: undefined, PRICES_INCLUDE_TAX: undefined }));

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const { call, newCart, order, post, put, read } = carts(() => address);

function database() {
	return (shop.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool;
}

const heldOf = async ({ id }: { id: string }) => (await stockOf(shop, id))?.held;

describe("an order of a cart", () => {
	test("has its lines in their order, and belongs to the signed-in user", async () => {
		const [cart, budi] = [await newCart(), await newUser(shop)];
		const products = [
			await newProduct(shop, 5, 3000),
			await newProduct(shop, 5, 1000),
			await newProduct(shop, 5, 2000),
		];
		for (const [place, product] of products.entries()) {
			await put(cart, product, place + 1);
		}
		const quoted = await post("/orders/quote", undefined, { cart_id: cart.id }, by(cart));
		const { status, body } = await order(cart, budi, { note: "Pagi", expected_total: 11_000 });
		expect(status).toBe(201);
		expect(body).toMatchObject({ user_id: budi.id, total: 11_000, note: "Pagi" });
		expect(body.items).toEqual(
			quoted.body.items.map(({ available, ...item }: { available: number }) => item),
		);
		expect(body.items.map((item: { product_id: string }) => item.product_id)).toEqual(
			products.map(({ id }) => id),
		);
		expect(await heldOf(products[2] as { id: string })).toBe(3);
		const { rows } = await database().query("SELECT cart_id FROM orders WHERE id = $1", [body.id]);
		expect(rows).toEqual([{ cart_id: cart.id }]);
	});

	test("is one: a second one names it and holds nothing", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		await put(cart, kopi, 2);
		const [first, second] = [await order(cart, keeper), await order(cart, await newUser(shop))];
		expect(first.status).toBe(201);
		expectProblem(second, 409, "CART_ORDERED");
		expect(second.body.order_id).toBe(first.body.id);
		expectProblem(
			await post("/orders/quote", undefined, { cart_id: cart.id }, by(cart)),
			409,
			"CART_ORDERED",
		);
		expect(await heldOf(kopi)).toBe(2);
	});

	test("under a key is answered again, also without the token; another cart is another request", async () => {
		const [cart, other, kopi, budi] = [
			await newCart(),
			await newCart(),
			await newProduct(shop, 5),
			await newUser(shop),
		];
		await put(cart, kopi, 2);
		await put(other, kopi, 2);
		const key = { "idempotency-key": "once" };
		const first = await order(cart, budi, {}, key);
		expect(first.status).toBe(201);
		expect((await order(cart, budi, {}, key)).body).toEqual(first.body);
		expect((await post("/orders", budi, { cart_id: cart.id }, key)).body).toEqual(first.body);
		expectProblem(await order(other, budi, {}, key), 422, "KEY_REUSED");
		expect(await heldOf(kopi)).toBe(2);
	});

	test("under a key that failed for want of the token succeeds with it", async () => {
		const [cart, kopi, budi] = [await newCart(), await newProduct(shop, 5), await newUser(shop)];
		await put(cart, kopi, 2);
		const key = { "idempotency-key": "token" };
		expectProblem(await post("/orders", budi, { cart_id: cart.id }, key), 404, "CART_NOT_FOUND");
		expect((await order(cart, budi, {}, key)).status).toBe(201);
	});

	test("needs items or a cart, and not both", async () => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		await put(cart, kopi, 1);
		const items = [{ product_id: kopi.id, quantity: 1 }];
		for (const path of ["/orders", "/orders/quote"]) {
			const both = await post(path, keeper, { items, cart_id: cart.id }, by(cart));
			expectProblem(both, 422, "VALIDATION_FAILED");
			expect(both.body.errors).toMatchObject([{ path: "cart_id" }]);
			const neither = await post(path, keeper, {});
			expectProblem(neither, 422, "VALIDATION_FAILED");
			expect(neither.body.errors).toMatchObject([
				{ path: "items", message: "give either items or a cart_id" },
			]);
		}
		expect((await read(cart)).body.status).toBe("open");
	});

	test.each<[string, number, string, (cart: Cart, product: { id: string }) => Promise<Answer>]>([
		[
			"is empty",
			422,
			"CART_EMPTY",
			async (cart, product) => {
				await put(cart, product, 0);
				return order(cart, keeper);
			},
		],
		[
			"has too many units",
			409,
			"OUT_OF_STOCK",
			async (cart, product) => {
				await put(cart, product, 6);
				return order(cart, keeper);
			},
		],
		[
			"has a product that is gone",
			404,
			"PRODUCT_NOT_FOUND",
			async (cart, product) => {
				await keeper.call("v1.products.remove", { id: product.id });
				return order(cart, keeper);
			},
		],
		["costs something else", 409, "PRICE_CHANGED", (cart) => order(cart, keeper, { expected_total: 1 })],
		[
			"is shipped in no way",
			422,
			"SHIPPING_NOT_AVAILABLE",
			(cart) => order(cart, keeper, { shipping_method: "none" }),
		],
		[
			"has a voucher that does not exist",
			422,
			"VOUCHER_NOT_APPLICABLE",
			(cart) => order(cart, keeper, { voucher_code: "NONE" }),
		],
	])("that %s is refused, and stays open", async (_, status, code, attempt) => {
		const [cart, kopi] = [await newCart(), await newProduct(shop, 5)];
		await put(cart, kopi, 2);
		expectProblem(await attempt(cart, kopi), status, code);
		expect((await read(cart)).body.status).toBe("open");
		expect((await heldOf(kopi)) ?? 0).toBe(0);
	});
});

test("a cart shows the tax, as the order has it", async () => {
	setVariables({ TAX_RATE: "11", PRICES_INCLUDE_TAX: "false" });
	const [cart, kopi] = [await newCart(), await newProduct(shop, 50, 33_333)];
	const { body } = await put(cart, kopi, 3);
	expect(body).toMatchObject({
		...{ subtotal: 99_999, tax: 11_000, tax_included: false, total: 110_999 },
		items: [{ subtotal: 99_999, tax: 11_000, paid: 110_999 }],
	});
	expect((await order(cart, keeper)).body).toMatchObject({ tax: 11_000, total: body.total });
});

test("after the order of a cart, its buyer gets no older product and no older list", async () => {
	const [cart, kopi] = [await newCart(), await newProduct(shop, 50)];
	const stocks = async () => {
		const one = await call("GET", `/products/${kopi.id}`, keeper);
		const list = await call("GET", `/products?q=${encodeURIComponent(kopi.name)}`, keeper);
		return [one.body.stock, list.body[0].stock];
	};
	await put(cart, kopi, 4);
	expect(await stocks()).toEqual([50, 50]);
	expect((await order(cart, keeper)).status).toBe(201);
	expect(await stocks()).toEqual([46, 46]);
});

test("a buyer who expects the price of before is refused with the price of now", async () => {
	const [cart, kopi] = [await newCart(), await newProduct(shop, 50, 92_000)];
	await put(cart, kopi, 2);
	await keeper.call("v1.products.update", { id: kopi.id, price: 95_000 });
	const refused = await order(cart, keeper, { expected_total: 184_000 });
	expectProblem(refused, 409, "PRICE_CHANGED");
	expect(refused.body.total).toBe(190_000);
	expect((await read(cart)).body).toMatchObject({
		status: "open",
		total: 190_000,
		items: [{ available: 50 }],
	});
});
