import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { setVariables } from "../variables.ts";
import { newKey } from "./keyed-client.ts";
import { OrdersProcesses, type RacedShop, startRacedShop, tally } from "./orders-processes.ts";
import type { Answer } from "./rest.ts";
import { eventually, newProduct, stockOf } from "./shop.ts";

const BUYERS = 300;
const USES = 100;
/** Fewer accounts than buyers: passwords are slow to hash. */
const ACCOUNTS = 20;

let stop: RacedShop["stop"];
let shop: RacedShop["shop"];
let client: RacedShop["client"];
let keeper: RacedShop["keeper"];
let buyer: RacedShop["buyer"];
const processes = new OrdersProcesses();
const { pool } = processes;

beforeAll(async () => {
	({ shop, client, keeper, buyer, stop } = await startRacedShop(processes, ACCOUNTS));
});

afterEach(() => setVariables({ ORDER_TTL_MINUTES: undefined }));

afterAll(() => stop());

async function newVoucher(): Promise<string> {
	const voucher = { code: `V${randomUUID().toUpperCase()}`, kind: "amount", value: 1000, max_uses: USES };
	const { status } = await client.persist("POST", "/vouchers", { as: keeper, key: newKey(), body: voucher });
	expect(status).toBe(201);
	return voucher.code;
}

async function usesOf(code: string) {
	const { rows } = await pool.query(
		`SELECT l.used, count(o.id)::integer AS orders
		FROM vouchers v JOIN voucher_limits l ON l.id = v.limits_id
		LEFT JOIN orders o ON o.voucher_limits_id = l.id AND o.status NOT IN ('cancelled', 'expired')
		WHERE v.code = $1 GROUP BY l.used`,
		[code],
	);
	return rows[0];
}

async function heldForUses({ id }: { id: string }): Promise<void> {
	await eventually("nothing to be held for the others", async () => {
		const stock = await stockOf(shop, id);
		return stock?.held === USES && stock.stock === BUYERS - USES;
	});
}

describe(`a voucher of ${USES} uses for ${BUYERS} buyers at once, over two orders processes`, () => {
	test("is used as often as it may, and nothing is held for those who are refused", async () => {
		const [voucher_code, product] = [await newVoucher(), await newProduct(shop, BUYERS, 15_000)];
		const body = { items: [{ product_id: product.id, quantity: 1 }], voucher_code };
		const answers = await Promise.all(
			Array.from({ length: BUYERS }, (_, place) =>
				client.persist("POST", "/orders", { as: buyer(place), key: newKey(), body }),
			),
		);
		expect(tally(answers)).toEqual({ 201: USES, "409 VOUCHER_USED_UP": BUYERS - USES });
		expect(await usesOf(voucher_code)).toEqual({ used: USES, orders: USES });
		await heldForUses(product);
	});

	test("is used as often as it may although one of them is killed again and again", async () => {
		const [voucher_code, product] = [await newVoucher(), await newProduct(shop, BUYERS, 15_000)];
		const body = { items: [{ product_id: product.id, quantity: 1 }], voucher_code };
		const answers: Pick<Answer, "status" | "body">[] = [];
		const waiting = Array.from({ length: BUYERS }, (_, place) => place);
		const work = Array.from({ length: 40 }, async () => {
			for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
				answers.push(await client.persist("POST", "/orders", { as: buyer(place), key: newKey(), body }));
			}
		});
		await processes.killAt([20, 60, 110], () => answers.length);
		await Promise.all(work);
		expect(tally(answers)).toEqual({ 201: USES, "409 VOUCHER_USED_UP": BUYERS - USES });
		expect(await usesOf(voucher_code)).toEqual({ used: USES, orders: USES });
		await heldForUses(product);
	});

	test("has as many uses as orders when buyers cancel while others order and orders expire", async () => {
		const [codes, product] = [
			[await newVoucher(), await newVoucher()],
			await newProduct(shop, 2 * BUYERS, 15_000),
		];
		const hasty = await processes.start({ ORDER_TTL_MINUTES: "0.005" });
		const work = Array.from({ length: BUYERS }, async (_, place) => {
			const body = { items: [{ product_id: product.id, quantity: 1 }], voucher_code: codes[place % 2] };
			const as = buyer(place);
			const placed = await client.persist("POST", "/orders", { as, key: newKey(), body });
			// Not each third: the three processes take orders in turn, and all of these could be orders of the hasty one.
			return placed.status === 201 && place % 5 < 2
				? client.persist("POST", `/orders/${placed.body.id}/cancel`, { as, key: newKey(), body: {} })
				: placed;
		});
		const answers = await Promise.all(work);
		const outcomes = Object.keys(tally(answers));
		expect(outcomes).toEqual(expect.arrayContaining(["200", "201"]));
		// An order of the hasty process may have expired before it is cancelled.
		const known = ["200", "201", "409 ORDER_IN_OTHER_STATE", "409 VOUCHER_USED_UP"];
		expect(outcomes.filter((name) => !known.includes(name))).toEqual([]);
		await eventually("the hasty ones to expire", async () => {
			const { rows } = await pool.query(
				"SELECT FROM orders WHERE status = 'pending' AND expires_at <= now() LIMIT 1",
			);
			return rows.length === 0;
		});
		const uses = await Promise.all(codes.map(usesOf));
		for (const { used, orders } of uses) {
			expect(used).toBe(orders);
			expect(used).toBeLessThanOrEqual(USES);
		}
		const sum = uses.reduce((all, { used }) => all + used, 0);
		await eventually(
			"only their units to be held",
			async () => (await stockOf(shop, product.id))?.held === sum,
		);
		await processes.end(hasty, "SIGTERM");
	});
});
