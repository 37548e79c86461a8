import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { RacingShop } from "./racing-shop.ts";
import type { Person } from "./shop.ts";
import { newProduct } from "./shop.ts";

const shop = new RacingShop();

beforeAll(() => shop.start());

afterAll(() => shop.stop());

/** Returns the open cart of a user with one line, and its product. */
async function filledCart(person: Person, quantity = 2) {
	const { id } = await person.call("v1.orders.beginCart", {});
	const { id: product_id } = await newProduct(shop.broker, 50);
	await person.call("v1.orders.putCartItem", { id, product_id, quantity });
	return { id, product_id };
}

/** Lets another attempt order a cart, as after the time of the first one's lease. */
const endLease = (id: string) =>
	shop.orders.pool.query("UPDATE carts SET ordering_until = NULL WHERE id = $1", [id]);

describe("while an order of a cart is being placed", () => {
	test("a change of the cart wins: nothing is ordered or held, and the cart stays open", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		shop.rival.at("after v1.products.reserve", () =>
			shop.ani.call("v1.orders.putCartItem", { id, product_id, quantity: 3 }),
		);
		await expect(shop.ani.call("v1.orders.place", { cart_id: id })).rejects.toMatchObject({
			type: "CART_CHANGED",
			code: 409,
		});
		expect(shop.rival.waiting).toEqual([]);
		expect(await shop.stock(product_id)).toMatchObject({ stock: 50, held: 0 });
		expect(await shop.ani.call("v1.orders.cart", { id })).toMatchObject({ status: "open" });
		const { items } = await shop.ani.call("v1.orders.place", { cart_id: id });
		expect(items).toMatchObject([{ product_id, quantity: 3 }]);
	});

	test("a repeated PUT is no change", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		shop.rival.at("before place_order", () =>
			shop.ani.call("v1.orders.putCartItem", { id, product_id, quantity: 2 }),
		);
		await expect(shop.ani.call("v1.orders.place", { cart_id: id })).resolves.toMatchObject({
			status: "pending",
		});
		expect(shop.rival.waiting).toEqual([]);
	});

	test("another order of the cart wins, and is named", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		let won: { id: string } | undefined;
		shop.rival.at("after v1.products.reserve", async () => {
			await endLease(id);
			won = await shop.ani.call("v1.orders.place", { cart_id: id });
		});
		await expect(shop.ani.call("v1.orders.place", { cart_id: id })).rejects.toMatchObject({
			type: "CART_ORDERED",
			data: { order_id: expect.anything() },
		});
		expect(won).toMatchObject({ status: "pending" });
		expect(await shop.ani.call("v1.orders.cart", { id })).toMatchObject({
			status: "ordered",
			order_id: won?.id,
		});
		expect(await shop.stock(product_id)).toMatchObject({ stock: 48, held: 2 });
	});

	test("another order of the cart waits, and holds no units of other buyers", async () => {
		const { id, product_id } = await filledCart(shop.ani, 50);
		let other: Promise<unknown> | undefined;
		shop.rival.at("before v1.products.reserve", async () => {
			other = shop.ani.call("v1.orders.place", { cart_id: id }).catch(({ data, type }) => ({ data, type }));
		});
		const placed = await shop.ani.call("v1.orders.place", { cart_id: id });
		expect(await other).toEqual({ type: "CART_ORDERED", data: { order_id: placed.id } });
		expect(await shop.stock(product_id)).toMatchObject({ stock: 0, held: 50 });
	});

	test("the next order of a cart does not wait for one that was refused", async () => {
		const { id, product_id } = await filledCart(shop.ani, 50);
		shop.rival.at("after v1.products.reserve", () =>
			shop.ani.call("v1.orders.putCartItem", { id, product_id, quantity: 3 }),
		);
		await expect(shop.ani.call("v1.orders.place", { cart_id: id })).rejects.toMatchObject({
			type: "CART_CHANGED",
		});
		const { rows } = await shop.orders.pool.query("SELECT ordering_until FROM carts WHERE id = $1", [id]);
		expect(rows).toEqual([{ ordering_until: null }]);
	});

	test("another order of the cart that takes the last units wins, and is named", async () => {
		const { id, product_id } = await filledCart(shop.ani, 50);
		let won: { id: string } | undefined;
		shop.rival.at("before v1.products.reserve", async () => {
			await endLease(id);
			won = await shop.ani.call("v1.orders.place", { cart_id: id });
		});
		const placing = shop.ani.call("v1.orders.place", { cart_id: id });
		await expect(placing).rejects.toMatchObject({ type: "CART_ORDERED", code: 409 });
		await expect(placing).rejects.toMatchObject({ data: { order_id: won?.id } });
		expect(await shop.stock(product_id)).toMatchObject({ stock: 0, held: 50 });
	});

	test("its merge into a user's cart wins, and the cart is named", async () => {
		const begun = await shop.ani.call("v1.orders.beginCart", {});
		const { broker } = shop;
		const guest = (await broker.call("v1.orders.beginCart", {})) as { id: string; token: string };
		const access = { id: guest.id, cart_token: guest.token };
		const { id: product_id } = await newProduct(broker, 50);
		await broker.call("v1.orders.putCartItem", { ...access, product_id, quantity: 2 });
		shop.rival.at("after v1.products.reserve", () => shop.ani.call("v1.orders.mergeCart", access));
		await expect(
			shop.ani.call("v1.orders.place", { cart_id: guest.id, cart_token: guest.token }),
		).rejects.toMatchObject({ type: "CART_MERGED", data: { cart_id: begun.id } });
		expect(await shop.stock(product_id)).toMatchObject({ stock: 50, held: 0 });
	});

	test("its erasure with its user wins", async () => {
		const { id, product_id } = await filledCart(shop.budi);
		shop.rival.at("after v1.products.reserve", () =>
			shop.orders.pool.query("DELETE FROM carts WHERE id = $1", [id]),
		);
		await expect(shop.budi.call("v1.orders.place", { cart_id: id })).rejects.toMatchObject({
			type: "CART_NOT_FOUND",
		});
		expect(await shop.stock(product_id)).toMatchObject({ stock: 50, held: 0 });
	});
});

describe("two attempts under one key", () => {
	test("get the order that was committed first, although the cart is ordered by then", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		const request = { cart_id: id, idempotency_key: `key ${id}`.replaceAll(" ", "-") };
		let first: object | undefined;
		shop.rival.at("before place_order", async () => {
			await endLease(id);
			first = await shop.ani.call("v1.orders.place", request);
		});
		expect(await shop.ani.call("v1.orders.place", request)).toEqual(first);
		expect(await shop.stock(product_id)).toMatchObject({ stock: 48, held: 2 });
	});

	test("hold units of their own if the cart was changed in between, and get the same answer", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		const request = { cart_id: id, idempotency_key: `changed-${id}` };
		let first: object | undefined;
		shop.rival.at("after v1.products.reserve", async () => {
			await shop.ani.call("v1.orders.putCartItem", { id, product_id, quantity: 5 });
			await endLease(id);
			first = await shop.ani.call("v1.orders.place", request);
		});
		const second = await shop.ani.call("v1.orders.place", request);
		expect(second).toEqual(first);
		expect(second.items).toMatchObject([{ quantity: 5 }]);
		expect(await shop.stock(product_id)).toMatchObject({ stock: 45, held: 5 });
	});

	test("get the refusal that was stored first", async () => {
		const { id, product_id } = await filledCart(shop.ani);
		const request = { cart_id: id, idempotency_key: `refused-${id}` };
		shop.rival.at("after v1.products.reserve", () =>
			shop.ani.call("v1.orders.putCartItem", { id, product_id, quantity: 5 }),
		);
		await expect(shop.ani.call("v1.orders.place", request)).rejects.toMatchObject({ type: "CART_CHANGED" });
		await expect(shop.ani.call("v1.orders.place", request)).rejects.toMatchObject({ type: "CART_CHANGED" });
		await expect(
			shop.ani.call("v1.orders.place", { ...request, idempotency_key: `again-${id}` }),
		).resolves.toMatchObject({ items: [{ quantity: 5 }] });
	});
});

test("a merge into a cart that is ordered meanwhile goes to the next one", async () => {
	const { id: own } = await filledCart(shop.ani);
	const guest = (await shop.broker.call("v1.orders.beginCart", {})) as { id: string; token: string };
	const access = { id: guest.id, cart_token: guest.token };
	const { id: product_id } = await newProduct(shop.broker, 50);
	await shop.broker.call("v1.orders.putCartItem", { ...access, product_id, quantity: 7 });
	shop.rival.at("before merge_carts", () => shop.ani.call("v1.orders.place", { cart_id: own }));
	const merged = await shop.ani.call("v1.orders.mergeCart", access);
	expect(shop.rival.waiting).toEqual([]);
	expect(merged.id).not.toBe(own);
	expect(merged).toMatchObject({ status: "open", items: [{ product_id, quantity: 7 }] });
});

test("a cart that is begun while its user is deleted is removed by the hourly job, or refused", async () => {
	const { eraseDeletedUsers, eraseUser } = await import("../../services/orders/erasure.ts");
	const { pool } = shop.orders;
	const { id, product_id } = await filledCart(shop.budi);
	await eraseUser(pool, shop.budi.id);
	await expect(shop.budi.call("v1.orders.cart", { id })).rejects.toMatchObject({ type: "CART_NOT_FOUND" });
	await expect(shop.budi.call("v1.orders.beginCart", {})).rejects.toMatchObject({ type: "TOKEN_INVALID" });
	await pool.query("ALTER TABLE carts DISABLE TRIGGER carts_user_not_deleted");
	const late = await shop.budi.call("v1.orders.beginCart", {});
	await shop.budi.call("v1.orders.putCartItem", { id: late.id, product_id, quantity: 1 });
	await pool.query("ALTER TABLE carts ENABLE TRIGGER carts_user_not_deleted");
	await eraseDeletedUsers(pool);
	const { rows } = await pool.query("SELECT FROM carts WHERE user_id = $1", [shop.budi.id]);
	expect(rows).toEqual([]);
});
