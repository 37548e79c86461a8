import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { PRUNED_AT_ONCE } from "../../config/retention.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { registry } from "../../observability/registry.ts";
import { countCarts } from "../../services/orders/carts.ts";
import { pruneCarts } from "../../services/orders/prune.ts";
import { by, type Cart, carts } from "./carts.ts";
import { expectProblem } from "./rest.ts";
import { admin, eventually, newProduct, newUser, type Person, startGateway, startNode } from "./shop.ts";

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

const { call, merge, newCart, order, post, put, read } = carts(() => address);

function database() {
	return (shop.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool;
}

async function age({ id }: Pick<Cart, "id">, interval: string): Promise<void> {
	await database().query("UPDATE carts SET touched_at = now() - $2::interval WHERE id = $1", [id, interval]);
}

describe("merging", () => {
	test("sums the quantities of a product, once however often it is sent", async () => {
		const [budi, guest, one, two] = [
			await newUser(shop),
			await newCart(),
			await newProduct(shop, 50),
			await newProduct(shop, 50),
		];
		const own = await newCart(budi);
		await put(own, one, 1, budi);
		await put(guest, two, 3);
		await put(guest, one, 2);
		const first = await merge(guest, budi);
		expect(first.status).toBe(200);
		expect(first.body).toMatchObject({
			id: own.id,
			items: [
				{ product_id: one.id, quantity: 3 },
				{ product_id: two.id, quantity: 3 },
			],
		});
		const again = await merge(guest, budi);
		expect({ ...again.body, touched_at: "" }).toEqual({ ...first.body, touched_at: "" });
		expect((await read(guest)).body).toMatchObject({ status: "merged", merged_into: own.id });
		const refused = await put(guest, one, 9);
		expectProblem(refused, 409, "CART_MERGED");
		expect(refused.body.cart_id).toBe(own.id);
		expectProblem(await order(guest, budi), 409, "CART_MERGED");
	});

	test("begins the user's cart if there is none, and happens once if it is sent 20 times at once", async () => {
		const [budi, guest, kopi] = [await newUser(shop), await newCart(), await newProduct(shop, 50)];
		await put(guest, kopi, 2);
		const answers = await Promise.all(Array.from({ length: 20 }, () => merge(guest, budi)));
		expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
		expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
		const { body } = await post("/carts", budi, {});
		expect(body).toMatchObject({ id: answers[0]?.body.id, token: null, items: [{ quantity: 2 }] });
	});

	test("of ten guests' carts at once, while the user's cart is put into, loses nothing", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 500)];
		const own = await newCart(budi);
		const guests = await Promise.all(Array.from({ length: 10 }, () => newCart()));
		await Promise.all(guests.map((guest) => put(guest, kopi, 3)));
		const other = await newProduct(shop, 500);
		await Promise.all([...guests.map((guest) => merge(guest, budi)), put(own, other, 7, budi)]);
		const { body } = await call("GET", `/carts/${own.id}`, budi);
		const quantities = body.items.map((item: { product_id: string; quantity: number }) => [
			item.product_id,
			item.quantity,
		]);
		expect(new Map(quantities)).toEqual(
			new Map([
				[kopi.id, 30],
				[other.id, 7],
			]),
		);
	});

	test("a cart with itself changes nothing", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 50)];
		const own = await newCart(budi);
		await put(own, kopi, 2, budi);
		for (const headers of [{}, by(own)]) {
			const { status, body } = await call("POST", `/carts/${own.id}/merge`, budi, {}, headers);
			expect(status).toBe(200);
			expect(body).toMatchObject({ id: own.id, version: 2, items: [{ quantity: 2 }] });
		}
	});

	test("a cart of another user is refused although its token is right", async () => {
		const [budi, ani, kopi] = [await newUser(shop), await newUser(shop), await newProduct(shop, 50)];
		const own = await newCart(ani);
		await put(own, kopi, 2, ani);
		expectProblem(await merge(own, budi), 404, "CART_NOT_FOUND");
	});

	test("a cart that another user has merged is refused", async () => {
		const [budi, ani, guest] = [await newUser(shop), await newUser(shop), await newCart()];
		expect((await merge(guest, budi)).status).toBe(200);
		expectProblem(await merge(guest, ani), 409, "CART_MERGED");
	});

	test("an ordered cart names its order", async () => {
		const [budi, guest, kopi] = [await newUser(shop), await newCart(), await newProduct(shop, 50)];
		await put(guest, kopi, 2);
		const placed = await order(guest, budi);
		const refused = await merge(guest, budi);
		expectProblem(refused, 409, "CART_ORDERED");
		expect(refused.body.order_id).toBe(placed.body.id);
	});

	test("answers the user's open cart when the one that took the items is ordered", async () => {
		const [budi, guest, kopi] = [await newUser(shop), await newCart(), await newProduct(shop, 50)];
		await put(guest, kopi, 2);
		const { body: own } = await merge(guest, budi);
		expect((await post("/orders", budi, { cart_id: own.id })).status).toBe(201);
		const { status, body } = await merge(guest, budi);
		expect(status).toBe(200);
		expect(body).toMatchObject({ status: "open", items: [] });
		expect(body.id).not.toBe(own.id);
	});

	test.each<[string, string, (own: Cart, guest: Cart, budi: Person) => Promise<unknown>]>([
		[
			"more than 10,000 units",
			"CART_QUANTITY_TOO_LARGE",
			async (own, guest, budi) => {
				const kopi = await newProduct(shop, 50);
				await put(own, kopi, 9999, budi);
				await put(guest, kopi, 2);
			},
		],
		[
			"more than 100 products",
			"CART_FULL",
			async (own, guest, budi) => {
				const products = await Promise.all(Array.from({ length: 101 }, () => newProduct(shop, 50)));
				// They wait for one another at the rows of the carts; on a busy machine some have to be repeated.
				await Promise.all(
					products.map((product, place) =>
						eventually("a response", async () => {
							const { status } = await (place < 51 ? put(own, product, 1, budi) : put(guest, product, 1));
							return status === 200;
						}),
					),
				);
			},
		],
	])("to %s is refused, and changes nothing", async (_, code, fill) => {
		const [budi, guest] = [await newUser(shop), await newCart()];
		const own = await newCart(budi);
		await fill(own, guest, budi);
		const before = [(await read(own)).body, (await read(guest)).body];
		expectProblem(await merge(guest, budi), 409, code);
		expect([(await read(own)).body, (await read(guest)).body]).toEqual(before);
	});
});

describe("a cart that nobody touched for 30 days", () => {
	test("is removed with its items, also when it is ordered or merged; its order stays", async () => {
		const [budi, kopi] = [await newUser(shop), await newProduct(shop, 50)];
		const [open, ordered, merged, young] = [
			await newCart(),
			await newCart(),
			await newCart(),
			await newCart(),
		];
		for (const cart of [open, ordered, merged, young]) {
			await put(cart, kopi, 1);
		}
		const placed = await order(ordered, budi);
		await merge(merged, budi);
		for (const cart of [open, ordered, merged]) {
			await age(cart, "30 days 1 minute");
		}
		await age(young, "29 days");
		while (await pruneCarts(database())) {
			// Prunes another batch.
		}
		for (const cart of [open, ordered, merged]) {
			expectProblem(await read(cart), 404, "CART_NOT_FOUND");
		}
		expect((await read(young)).body.items).toHaveLength(1);
		expect((await call("GET", `/orders/${placed.body.id}`, budi)).status).toBe(200);
		const { rows } = await database().query("SELECT cart_id FROM cart_items WHERE cart_id = ANY ($1)", [
			[open, ordered, merged].map(({ id }) => id),
		]);
		expect(rows).toEqual([]);
		expectProblem(await order(ordered, budi), 404, "CART_NOT_FOUND");
	});

	test("is removed in batches, by an index", async () => {
		await database().query(
			`INSERT INTO carts (id, token_hash, touched_at)
			SELECT gen_random_uuid(), '', now() - interval '31 days' FROM generate_series(1, ${PRUNED_AT_ONCE + 1});
			ANALYZE carts`,
		);
		expect(await pruneCarts(database())).toBe(true);
		expect(await pruneCarts(database())).toBe(false);
		const { rows } = await database()
			.query<{ "QUERY PLAN": string }>(
				"SET enable_seqscan = off; EXPLAIN SELECT FROM carts WHERE touched_at < now() - interval '30 days'; RESET enable_seqscan",
			)
			.then((results) => (results as unknown as [unknown, { rows: { "QUERY PLAN": string }[] }])[1]);
		expect(rows.map((row) => row["QUERY PLAN"]).join()).toContain("carts_touched");
	});

	test("is not one that was read: that counts as touching it, once a day", async () => {
		const cart = await newCart();
		await age(cart, "29 days");
		const { body } = await read(cart);
		const touchedAt = async () => new Date((await read(cart)).body.touched_at).getTime();
		const touched = await touchedAt();
		expect(touched).toBeGreaterThan(Date.now() - 60_000);
		expect(await touchedAt()).toBe(touched);
		expect((await read(cart)).body.version).toBe(body.version);
	});
});

test("the carts of a user who deletes the account are removed", async () => {
	const [leaver, kopi] = [await newUser(shop), await newProduct(shop, 50)];
	const [ordered, guest] = [await newCart(leaver), await newCart()];
	await put(ordered, kopi, 1);
	await put(guest, kopi, 1);
	const placed = await order(ordered, leaver);
	const open = await newCart(leaver);
	await put(open, kopi, 2);
	await post(`/orders/${placed.body.id}/cancel`, leaver, {});
	expect((await call("DELETE", `/users/${leaver.id}`, keeper)).status).toBe(204);
	await eventually("the carts to be removed", async () => {
		const { rows } = await database().query("SELECT FROM carts WHERE user_id = $1", [leaver.id]);
		return rows.length === 0;
	});
	expectProblem(await read(open), 404, "CART_NOT_FOUND");
	expect((await read(guest)).status).toBe(200);
});

test("the metric counts open carts", async () => {
	const [cart, kopi] = [await newCart(), await newProduct(shop, 50)];
	await put(cart, kopi, 1);
	const before = await countCarts(database());
	// A scrape gives an earlier number while the database is slow.
	await eventually("the metric", async () =>
		(await registry.metrics()).includes(`toko_carts_open{service="orders"} ${before}\n`),
	);
	await order(cart, keeper);
	expect(await countCarts(database())).toBe(before - 1);
});
