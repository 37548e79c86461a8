import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newKey } from "./keyed-client.ts";
import { OrdersProcesses, type RacedShop, startRacedShop, tally } from "./orders-processes.ts";
import { type Answer, api } from "./rest.ts";
import { eventually, newProduct, type Person, stockOf } from "./shop.ts";

const { call } = api(() => address);
let stop: RacedShop["stop"];
let shop: RacedShop["shop"];
let address: RacedShop["address"];
let client: RacedShop["client"];
let keeper: RacedShop["keeper"];
let buyer: Person;
const processes = new OrdersProcesses();
const { pool } = processes;

beforeAll(async () => {
	const raced = await startRacedShop(processes, 1);
	({ shop, address, client, keeper, stop } = raced);
	buyer = raced.buyer(0);
});

afterAll(() => stop());

/** Places and pays an order of a line of this quantity, and another of a unit. */
async function paidOrder(quantity: number) {
	const [product, other] = [await newProduct(shop, 100, 7_777), await newProduct(shop, 100, 15_000)];
	const items = [
		{ product_id: product.id, quantity },
		{ product_id: other.id, quantity: 1 },
	];
	const { body } = await client.persist("POST", "/orders", { as: buyer, key: newKey(), body: { items } });
	const paid = await client.persist("POST", `/orders/${body.id}/pay`, { as: buyer, key: newKey(), body: {} });
	expect(paid.status).toBe(200);
	return { id: body.id as string, product_id: product.id, total: body.total as number };
}

/** Sends a refund under a key of its own, repeated until the outcome is known: an overloaded machine answers 503. */
function refundSurely(path: string, body: object) {
	return client.persist("POST", path, { as: keeper, key: newKey(), body });
}

/** Returns what was refunded, once the provider has given all of it back. */
function givenBack(id: string) {
	return eventually("the money", async () => {
		const { rows } = await pool.query(
			`SELECT o.status, o.refunded_minor::integer AS refunded, (
					SELECT coalesce(sum(b.amount_minor), 0)::integer FROM sandbox_refunds b JOIN payments p USING (reference)
					WHERE p.order_id = o.id
				) AS back, l.refunded_quantity AS units
			FROM orders o JOIN order_lines l ON l.order_id = o.id AND l.line = 1
			WHERE o.id = $1 AND NOT EXISTS (SELECT FROM refunds WHERE order_id = o.id AND status = 'pending')`,
			[id],
		);
		return rows[0];
	});
}

test("50 refunds of one unit at once, of a line of 20, give back exactly 20 units and their money", async () => {
	const { id, product_id } = await paidOrder(20);
	const unit = { items: [{ line: 1, quantity: 1 }], restock: true };
	const answers = await Promise.all(
		Array.from({ length: 50 }, () => refundSurely(`/orders/${id}/refunds`, unit)),
	);
	expect(tally(answers)).toEqual({ 201: 20, "409 REFUND_TOO_LARGE": 30 });
	expect(await givenBack(id)).toEqual({ status: "paid", refunded: 155_540, back: 155_540, units: 20 });
	const refused = answers.filter(({ status }) => status === 409);
	expect(new Set(refused.map(({ body }) => body.refundable))).toEqual(new Set([15_000]));
	await eventually("the units", async () => {
		const now = await stockOf(shop, product_id);
		return now?.stock === 100 && now.held === 0;
	});
	expect(await stockOf(shop, product_id)).toMatchObject({ stock: 100, held: 0, supplied: 120 });
});

test("of refunds of all at once, in parts and as a whole, none gives back more than was paid", async () => {
	for (let round = 0; round < 5; round++) {
		const { id, total } = await paidOrder(3);
		const answers = await Promise.all([
			refundSurely(`/orders/${id}/refund`, {}),
			refundSurely(`/orders/${id}/refunds`, { items: [{ line: 1, quantity: 3 }], amount: 15_000 }),
			refundSurely(`/orders/${id}/refunds`, { amount: total }),
			refundSurely(`/orders/${id}/refunds`, { items: [{ line: 1, quantity: 2 }] }),
			refundSurely(`/orders/${id}/refund`, { restock: true }),
		]);
		const { 200: wholes = 0, 201: parts = 0, ...refused } = tally(answers);
		expect(wholes + parts).toBeGreaterThan(0);
		expect(Object.keys(refused).filter((name) => !name.startsWith("409 "))).toEqual([]);
		expect(await givenBack(id)).toMatchObject({ status: "refunded", refunded: total, back: total });
	}
});

test("each refund moves money and units once, although orders is killed again and again", async () => {
	const orders = await Promise.all(Array.from({ length: 4 }, () => paidOrder(10)));
	const requests = orders.flatMap(({ id }) =>
		Array.from({ length: 10 }, () => ({
			id,
			key: newKey(),
			body: { items: [{ line: 1, quantity: 1 }], restock: true },
		})),
	);
	const answers: Pick<Answer, "status" | "body">[] = [];
	let tries = 0;
	const work = Array.from({ length: 8 }, async () => {
		for (let next = requests.pop(); next; next = requests.pop()) {
			const { id, key, body } = next;
			const answer = await client.persist("POST", `/orders/${id}/refunds`, { as: keeper, key, body });
			answers.push(answer);
			tries += answer.tries;
		}
	});
	await processes.killAt([8, 24], () => answers.length);
	await Promise.all(work);
	expect(tally(answers)).toEqual({ 201: 40 });
	expect(tries).toBeGreaterThanOrEqual(40);
	for (const { id, product_id } of orders) {
		expect(await givenBack(id)).toEqual({ status: "paid", refunded: 77_770, back: 77_770, units: 10 });
		await eventually("the units", async () => {
			const now = await stockOf(shop, product_id);
			return now?.stock === 100 && now.held === 0;
		});
		expect(await stockOf(shop, product_id)).toMatchObject({ stock: 100, held: 0, supplied: 110 });
		const { body } = await call("GET", `/orders/${id}/refunds?limit=100`, buyer);
		expect(body.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
			Array.from({ length: 10 }, (_, place) => place + 1),
		);
	}
});
