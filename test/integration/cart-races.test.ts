import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { by, type Cart, carts } from "./carts.ts";
import { newKey } from "./keyed-client.ts";
import { OrdersProcesses, type RacedShop, startRacedShop, tally } from "./orders-processes.ts";
import type { Answer } from "./rest.ts";
import { eventually, newProduct, newUser, type Person, stockOf } from "./shop.ts";

const CARTS = 200;
/** Fewer accounts than buyers: passwords are slow to hash. */
const ACCOUNTS = 10;

let stop: RacedShop["stop"];
let shop: RacedShop["shop"];
let address: RacedShop["address"];
let client: RacedShop["client"];
let buyer: RacedShop["buyer"];
const processes = new OrdersProcesses();
const { pool } = processes;

beforeAll(async () => {
	({ shop, address, client, buyer, stop } = await startRacedShop(processes, ACCOUNTS));
});

afterAll(() => stop());

const { merge, post, put, read } = carts(() => address);

/** Repeats a request for as long as a killed process is taken for one that runs. */
function persist(what: string, request: () => Promise<Answer>): Promise<Answer> {
	return eventually(what, async () => {
		const answer = await request();
		return answer.status < 500 && answer;
	});
}

/** Orders a cart under a key of its own, repeated until the outcome is known: an overloaded machine answers 503. */
function orderSurely(cart: Cart, as: Person) {
	const request = { as, key: newKey(), body: { cart_id: cart.id }, headers: by(cart) };
	return client.persist("POST", "/orders", request);
}

async function filledCart(product: { id: string }, quantity: number): Promise<Cart> {
	const { body: cart } = await persist("a cart", () => post("/carts", undefined, {}));
	await persist("its units", () => put(cart, product, quantity));
	return cart;
}

/** Begins carts with units of a product. */
function filledCarts(count: number, product: { id: string }, quantity: number): Promise<Cart[]> {
	return Promise.all(Array.from({ length: count }, () => filledCart(product, quantity)));
}

/** Returns the orders of carts by the id of the cart. */
async function ordersOf(given: Cart[]): Promise<Map<string, string>> {
	const { rows } = await pool.query<{ cart_id: string; id: string }>(
		`SELECT o.cart_id, o.id FROM orders o JOIN carts c ON c.id = o.cart_id AND c.order_id = o.id AND c.status = 'ordered'
		WHERE o.cart_id = ANY ($1)`,
		[given.map(({ id }) => id)],
	);
	expect(new Set(rows.map(({ cart_id }) => cart_id)).size).toBe(rows.length);
	return new Map(rows.map(({ cart_id, id }) => [cart_id, id]));
}

function unitsHeld(product: { id: string }, units: number): Promise<boolean> {
	return eventually(
		`${units} units to be held`,
		async () => (await stockOf(shop, product.id))?.held === units,
	);
}

describe("over two orders processes", () => {
	test(`${CARTS} carts that are each ordered twice at once are ${CARTS} orders, beside orders of items`, async () => {
		const [product, plain] = [await newProduct(shop, 1000, 15_000), await newProduct(shop, 1000, 15_000)];
		const begun = await filledCarts(CARTS, product, 2);
		const items = [{ product_id: plain.id, quantity: 1 }];
		const [answers, others] = await Promise.all([
			Promise.all(
				begun.flatMap((cart, place) => [place, place + 1].map((other) => orderSurely(cart, buyer(other)))),
			),
			Promise.all(
				Array.from({ length: 50 }, (_, place) =>
					client.persist("POST", "/orders", { as: buyer(place), key: newKey(), body: { items } }),
				),
			),
		]);
		expect(tally(answers)).toEqual({ 201: CARTS, "409 CART_ORDERED": CARTS });
		expect(tally(others)).toEqual({ 201: 50 });
		const placed = await ordersOf(begun);
		expect(placed.size).toBe(CARTS);
		for (const [place, answer] of answers.entries()) {
			const id = placed.get(begun[place >> 1]?.id as string);
			expect(answer.status === 201 ? answer.body.id : answer.body.order_id).toBe(id);
		}
		await unitsHeld(product, 2 * CARTS);
		await unitsHeld(plain, 50);
	});

	test("carts that are each ordered twice at once get all units that there are", async () => {
		const product = await newProduct(shop, 20, 15_000);
		const begun = await filledCarts(20, product, 1);
		const answers = await Promise.all(
			begun.flatMap((cart, place) => [orderSurely(cart, buyer(place)), orderSurely(cart, buyer(place))]),
		);
		expect(tally(answers)).toEqual({ 201: 20, "409 CART_ORDERED": 20 });
		expect(await stockOf(shop, product.id)).toMatchObject({ stock: 0, held: 20 });
	});

	test("a cart that is changed while it is ordered is ordered as it was at one moment, or not at all", async () => {
		const product = await newProduct(shop, 1000, 15_000);
		const begun = await filledCarts(60, product, 1);
		const answers = await Promise.all(
			begun.map(async (cart, place) => {
				const [ordered, ...puts] = await Promise.all([
					orderSurely(cart, buyer(place)),
					...[2, 3, 4].map((quantity) => persist("a change", () => put(cart, product, quantity))),
				]);
				return { ordered, puts };
			}),
		);
		const known = ["200", "409 CART_ORDERED"];
		expect(
			Object.keys(tally(answers.flatMap(({ puts }) => puts))).filter((name) => !known.includes(name)),
		).toEqual([]);
		let held = 0;
		for (const [place, { ordered, puts }] of answers.entries()) {
			const { body } = await read(begun[place] as Cart);
			if (ordered.status === 201) {
				expect(body).toMatchObject({ status: "ordered", order_id: ordered.body.id });
				const [line] = ordered.body.items as { quantity: number }[];
				expect(body.items).toMatchObject([{ quantity: line?.quantity }]);
				held += line?.quantity ?? 0;
			} else {
				expect(ordered.body.code).toBe("CART_CHANGED");
				expect(body).toMatchObject({ status: "open" });
				expect(tally(puts)).toEqual({ 200: 3 });
			}
		}
		await unitsHeld(product, held);
	});

	test("a cart has one order although processes are killed while it is ordered under two keys", async () => {
		const product = await newProduct(shop, 1000, 15_000);
		const begun = await filledCarts(50, product, 3);
		const waiting = begun.flatMap((cart, place) => [cart, cart].map((one) => ({ cart: one, place })));
		const answers: { cart: Cart; status: number; body: Record<string, unknown> }[] = [];
		const work = Array.from({ length: 20 }, async () => {
			for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
				const { cart, place } = next;
				answers.push({ cart, ...(await orderSurely(cart, buyer(place))) });
			}
		});
		await processes.killAt([20, 60], () => answers.length);
		await Promise.all(work);
		expect(tally(answers)).toEqual({ 201: 50, "409 CART_ORDERED": 50 });
		const placed = await ordersOf(begun);
		for (const { cart, status, body } of answers) {
			expect(status === 201 ? body.id : body.order_id).toBe(placed.get(cart.id));
		}
		// Attempts that were killed, whose carts another order had by then, hold units until they are 40 s old.
		const { sweeper } = shop.getLocalService({ name: "products", version: 1 }) as unknown as {
			sweeper: Sweeper;
		};
		await sweeper.sweep(Date.now() + 60_000);
		await unitsHeld(product, 150);
	});

	test("merges that are repeated while processes are killed add each guest's cart once", async () => {
		const product = await newProduct(shop, 1000, 15_000);
		const guests = await filledCarts(60, product, 2);
		const waiting = guests.flatMap((guest) => [guest, guest, guest]);
		let answered = 0;
		const budi = await newUser(shop);
		const work = Array.from({ length: 12 }, async () => {
			for (let guest = waiting.pop(); guest !== undefined; guest = waiting.pop()) {
				const one = guest;
				await persist("a merged cart", () => merge(one, budi));
				answered++;
			}
		});
		await processes.killAt([40, 120], () => answered);
		await Promise.all(work);
		const { status, body } = await persist("the cart", () => post("/carts", budi, {}));
		expect(status).toBe(200);
		expect(body.items).toMatchObject([{ product_id: product.id, quantity: 120 }]);
	});
});
