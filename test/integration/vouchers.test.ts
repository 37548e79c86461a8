import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { JobsService } from "../../mixins/jobs.ts";
import { TRANSITIONS, type Transition } from "../../services/orders/states.ts";
import { setVariables } from "../variables.ts";
import { api, expectProblem, send } from "./rest.ts";
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
let ani: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	({ gateway, address } = await startGateway());
	[keeper, budi, ani] = [await admin(shop), await newUser(shop), await newUser(shop)];
	const bands = [{ up_to_g: 5000, fee: 9000 }];
	const method = { code: "reguler", name: "JNE", zones: [{ country: "ID" }], bands };
	expect((await post("/shipping-methods", keeper, method)).status).toBe(201);
});

afterEach(() =>
	setVariables({ TAX_RATE: undefined, PRICES_INCLUDE_TAX: undefined, ORDER_TTL_MINUTES: undefined }),
);

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const HOME = {
	...{ recipient: "Budi Santoso", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
	...{ province: "Jawa Barat", postal_code: "40115" },
};
const SHIPPED = { shipping_method: "reguler", address: HOME };

const { call, post } = api(() => address);

function database() {
	return (shop.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService).pool;
}

/** Adds a voucher with a code of its own. */
async function newVoucher(given: object): Promise<string> {
	const code = `V${randomUUID().toUpperCase()}`;
	const { status, text } = await post("/vouchers", keeper, { code, ...given });
	expect([status, text]).toEqual([201, expect.any(String)]);
	return code;
}

async function usedOf(code: string): Promise<number> {
	return (await call("GET", `/vouchers/${encodeURIComponent(code)}`, keeper)).body.used;
}

/** Returns the items of a request for one unit of new products at these prices. */
async function itemsAt(...prices: number[]) {
	const products = await Promise.all(prices.map((price) => newProduct(shop, 50, price)));
	return products.map(({ id }) => ({ product_id: id, quantity: 1 }));
}

async function heldOf(items: { product_id: string }[]) {
	return Promise.all(items.map(async ({ product_id }) => (await stockOf(shop, product_id))?.held));
}

describe("the discount of an order", () => {
	test("of 10 % with a tax of 11 % that prices exclude is spread over its lines", async () => {
		setVariables({ TAX_RATE: "11", PRICES_INCLUDE_TAX: "false" });
		const voucher_code = await newVoucher({ kind: "percent", value: 10 });
		const items = (await itemsAt(33_333)).map((item) => ({ ...item, quantity: 3 }));
		const quoted = await post("/orders/quote", undefined, { items, voucher_code });
		const costs = { subtotal: 99_999, discount: 10_000, tax: 9900, total: 99_899 };
		expect(quoted.body).toMatchObject({ ...costs, reasons: [] });
		const { body } = await post("/orders", budi, { items, voucher_code, expected_total: 99_899 });
		expect(body).toMatchObject({ ...costs, items: [{ discount: 10_000, tax: 9900, paid: 99_899 }] });
		expect((await call("GET", `/orders/${body.id}`, budi)).body).toEqual(body);
	});

	test("of an amount never exceeds the goods, and leaves the fee of shipping", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 50_000 });
		const { body } = await post("/orders", budi, { items: await itemsAt(30_000), voucher_code, ...SHIPPED });
		expect(body).toMatchObject({ discount: 30_000, shipping: 9000, total: 9000 });
	});

	test("of an amount goes by largest remainder, and stays what it is", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 10_000 });
		const { body } = await post("/orders", budi, {
			items: await itemsAt(150_000, 60_000, 33_333),
			voucher_code,
		});
		expect(body.items.map(({ discount }: { discount: number }) => discount)).toEqual([6164, 2466, 1370]);
		expect(body.items[0].paid).toBe(143_836);
	});

	test("of shipping takes off the fee, which the order still shows", async () => {
		const voucher_code = await newVoucher({ kind: "shipping" });
		const { body } = await post("/orders", budi, { items: await itemsAt(30_000), voucher_code, ...SHIPPED });
		expect(body).toMatchObject({ discount: 9000, shipping: 9000, total: 30_000 });
	});

	test("is tested against its minimum before the discount, however often it is quoted", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 200_000, min_subtotal: 500_000 });
		const items = await itemsAt(600_000);
		for (let quoted = 0; quoted < 3; quoted++) {
			expect((await post("/orders/quote", undefined, { items, voucher_code })).body.total).toBe(400_000);
		}
	});

	test("that leaves nothing to pay pays the order at once, without a charge", async () => {
		const voucher_code = await newVoucher({ kind: "percent", value: 100 });
		const items = await itemsAt(30_000);
		const key = { "idempotency-key": randomUUID() };
		const { status, body } = await post("/orders", budi, { items, voucher_code }, key);
		expect([status, body]).toMatchObject([201, { status: "paid", discount: 30_000, total: 0 }]);
		expect((await post("/orders", budi, { items, voucher_code }, key)).body).toEqual(body);
		expect((await call("GET", `/orders/${body.id}`, budi)).body).toEqual(body);
		await eventually("the unit to be sold", async () => (await heldOf(items))[0] === 0);
		expect(await stockOf(shop, items[0]?.product_id as string)).toMatchObject({ stock: 49, supplied: 50 });
		const { rows } = await database().query(
			`SELECT (SELECT count(*)::integer FROM payments WHERE order_id = $1::uuid) AS payments,
				(SELECT array_agg(status ORDER BY at) FROM order_history WHERE order_id = $1::uuid) AS history`,
			[body.id],
		);
		expect(rows).toEqual([{ payments: 0, history: ["pending", "paid"] }]);
		expect(await usedOf(voucher_code)).toBe(1);
	});
});

describe("a voucher that does not apply", () => {
	const now = Date.now();
	const at = (ms: number) => new Date(now + ms).toISOString();

	test.each([
		["is not known", undefined, { reason: "unknown" }],
		["has not started", { starts_at: at(3_600_000) }, { reason: "not_started", starts_at: at(3_600_000) }],
		["has ended", { ends_at: at(-1000) }, { reason: "ended", ends_at: at(-1000) }],
		["is for dearer goods", { min_subtotal: 30_001 }, { reason: "below_minimum", missing: 1 }],
		["is for other goods", { category: "teh" }, { reason: "no_eligible_goods" }],
		["is for a fee that is nothing", { kind: "shipping", value: null }, { reason: "nothing_to_discount" }],
	])("because it %s is refused with the reason, never silently ignored", async (_, given, expected) => {
		const voucher_code = given
			? await newVoucher({ kind: "amount", value: 1000, ...given })
			: `V${randomUUID()}`;
		const items = await itemsAt(30_000);
		const quoted = await post("/orders/quote", undefined, { items, voucher_code });
		expect(quoted.body).toMatchObject({
			total: 30_000,
			reasons: [{ about: "voucher", code: "VOUCHER_NOT_APPLICABLE", ...expected }],
		});
		const refused = await post("/orders", budi, { items, voucher_code });
		expectProblem(refused, 422, "VOUCHER_NOT_APPLICABLE");
		expect(refused.body).toMatchObject(expected);
		expect(await heldOf(items)).toEqual([0]);
	});

	test("stays refused under its key", async () => {
		const code = `V${randomUUID().toUpperCase()}`;
		const request = { items: await itemsAt(30_000), voucher_code: code };
		const key = { "idempotency-key": randomUUID() };
		expectProblem(await post("/orders", budi, request, key), 422, "VOUCHER_NOT_APPLICABLE");
		await post("/vouchers", keeper, { code, kind: "amount", value: 1 });
		expectProblem(await post("/orders", budi, request, key), 422, "VOUCHER_NOT_APPLICABLE");
		expect((await post("/orders", budi, request)).status).toBe(201);
	});
});

describe("the uses of a voucher", () => {
	test("are limited, given back by a cancelled order, and kept by a refunded one", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 1000, max_uses: 1 });
		const request = { items: await itemsAt(30_000), voucher_code };
		const first = await post("/orders", budi, request);
		expect(first.status).toBe(201);
		expect((await post("/orders/quote", undefined, request)).body.reasons).toEqual([
			{ about: "voucher", code: "VOUCHER_USED_UP", reason: "max_uses", message: expect.any(String) },
		]);
		expectProblem(await post("/orders", ani, request), 409, "VOUCHER_USED_UP");
		const cancelled = await Promise.all(
			[1, 2, 3].map(() => post(`/orders/${first.body.id}/cancel`, budi, {})),
		);
		expect(cancelled.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
		expect(await usedOf(voucher_code)).toBe(0);
		const second = await post("/orders", ani, request);
		await post(`/orders/${second.body.id}/pay`, ani, {});
		expect((await post(`/orders/${second.body.id}/refund`, keeper, {})).status).toBe(200);
		expect(await usedOf(voucher_code)).toBe(1);
	});

	test("are given back once when an order expires", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 1000, max_uses: 3 });
		const items = await itemsAt(30_000);
		setVariables({ ORDER_TTL_MINUTES: "0.01" });
		const placed = await Promise.all([1, 2].map(() => post("/orders", budi, { items, voucher_code })));
		setVariables({ ORDER_TTL_MINUTES: undefined });
		const kept = await post("/orders", budi, { items, voucher_code });
		expect(kept.status).toBe(201);
		await eventually("the orders to expire", async () => {
			const found = await Promise.all(placed.map(({ body }) => call("GET", `/orders/${body.id}`, budi)));
			return found.every(({ body }) => body.status === "expired");
		});
		expect((await post(`/orders/${placed[0]?.body.id}/cancel`, budi, {})).status).toBe(409);
		expect(await usedOf(voucher_code)).toBe(1);
	});

	test("are shared by the codes of a promotion, as are its limits", async () => {
		const promotion = `Lebaran ${randomUUID()}`;
		const one = await newVoucher({ kind: "amount", value: 1000, promotion, max_uses: 1 });
		const two = await newVoucher({ kind: "percent", value: 5, promotion });
		const other = { code: `V${randomUUID()}`, kind: "percent", value: 5, promotion, max_uses: 2 };
		expectProblem(await post("/vouchers", keeper, other), 422, "VALIDATION_FAILED");
		const items = await itemsAt(30_000);
		expect((await post("/orders", budi, { items, voucher_code: one })).status).toBe(201);
		expectProblem(await post("/orders", budi, { items, voucher_code: two }), 409, "VOUCHER_USED_UP");
		expect([await usedOf(one), await usedOf(two)]).toEqual([1, 1]);
		await call("PATCH", `/vouchers/${two}`, keeper, { max_uses: 2 });
		expect((await call("GET", `/vouchers/${one}`, keeper)).body.max_uses).toBe(2);
		expect((await post("/orders", budi, { items, voucher_code: two })).status).toBe(201);
	});

	test("are counted for each user, cancelled orders left out", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 1000, per_user: 1 });
		const request = { items: await itemsAt(30_000), voucher_code };
		const answers = await Promise.all(Array.from({ length: 8 }, () => post("/orders", budi, request)));
		expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
		const refused = await post("/orders", budi, request);
		expectProblem(refused, 409, "VOUCHER_USED_UP");
		expect(refused.body.reason).toBe("per_user");
		expect((await post("/orders/quote", budi, request)).body.reasons).toMatchObject([{ reason: "per_user" }]);
		expect((await post("/orders/quote", undefined, request)).body.reasons).toEqual([]);
		expect((await post("/orders", ani, request)).status).toBe(201);
		const placed = answers.find(({ status }) => status === 201);
		await post(`/orders/${placed?.body.id}/cancel`, budi, {});
		expect((await post("/orders", budi, request)).status).toBe(201);
		await eventually("nothing else to be held", async () => (await heldOf(request.items))[0] === 2);
	});

	test("left for one of many buyers at once refuse the others, without orders that share their batch", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 1000, max_uses: 5 });
		const items = await itemsAt(30_000);
		const answers = await Promise.all(
			Array.from({ length: 40 }, (_, place) =>
				post("/orders", place % 2 === 0 ? budi : ani, place < 30 ? { items, voucher_code } : { items }),
			),
		);
		const statuses = answers.map(({ status }) => status);
		expect(statuses.slice(30)).toEqual(Array(10).fill(201));
		expect(statuses.slice(0, 30).sort()).toEqual([...Array(5).fill(201), ...Array(25).fill(409)]);
		expect(await usedOf(voucher_code)).toBe(5);
		expect(await heldOf(items)).toEqual([15]);
	});

	test("are none if an admin lowers the limit below them", async () => {
		const voucher_code = await newVoucher({ kind: "amount", value: 1000, max_uses: 5 });
		const request = { items: await itemsAt(30_000), voucher_code };
		await post("/orders", budi, request);
		await post("/orders", budi, request);
		const lowered = await call("PATCH", `/vouchers/${voucher_code}`, keeper, { max_uses: 1 });
		expect(lowered).toMatchObject({ status: 200, body: { max_uses: 1, used: 2 } });
		expectProblem(await post("/orders", budi, request), 409, "VOUCHER_USED_UP");
		await call("PATCH", `/vouchers/${voucher_code}`, keeper, { max_uses: null });
		expect((await post("/orders", budi, request)).status).toBe(201);
	});

	test("are given back by exactly the transitions that say so", async () => {
		for (const [name, { to, from, voucher }] of Object.entries<Transition>(TRANSITIONS)) {
			const voucher_code = await newVoucher({ kind: "amount", value: 1000 });
			const { body } = await post("/orders", budi, { items: await itemsAt(30_000), voucher_code });
			await database().query("UPDATE orders SET status = $2 WHERE id = $1", [body.id, from[0]]);
			await database().query("DELETE FROM order_history WHERE order_id = $1", [body.id]);
			const event = { name: `order.${to}`, version: 1 };
			await database().query("SELECT move_order($1, NULL, $2, $3, 'shop', $4, NULL)", [
				body.id,
				from,
				to,
				event,
			]);
			expect([name, await usedOf(voucher_code)]).toEqual([name, voucher === "given back" ? 0 : 1]);
		}
	});
});

describe("a code", () => {
	test("is the same in any case, form of Unicode and with blanks around it", async () => {
		const code = `Ａé-${randomUUID()}`;
		const added = await post("/vouchers", keeper, { code: ` ${code} `, kind: "amount", value: 1000 });
		expect(added.body.code).toBe(code.replace("Ａ", "A").toUpperCase());
		expect(added.headers.get("location")).toBe(`/api/v1/vouchers/${encodeURIComponent(added.body.code)}`);
		for (const same of [code.toLowerCase(), code.normalize("NFD"), added.body.code]) {
			expectProblem(
				await post("/vouchers", keeper, { code: same, kind: "amount", value: 1 }),
				409,
				"VOUCHER_EXISTS",
			);
			const found = await call("GET", `/vouchers/${encodeURIComponent(same)}`, keeper);
			expect(found.body.code).toBe(added.body.code);
			const { body } = await post("/orders", budi, { items: await itemsAt(5000), voucher_code: same });
			expect(body).toMatchObject({ voucher_code: added.body.code, total: 4000 });
		}
	});

	test("is added once for each key", async () => {
		const voucher = { code: `V${randomUUID()}`, kind: "amount", value: 1000 };
		const key = { "idempotency-key": randomUUID() };
		const answers = [
			await post("/vouchers", keeper, voucher, key),
			await post("/vouchers", keeper, voucher, key),
		];
		expect(answers.map(({ status }) => status)).toEqual([201, 201]);
		expect(answers[1]?.body).toEqual(answers[0]?.body);
	});

	test("is listed for admins only, page by page, newest first", async () => {
		const codes = [
			await newVoucher({ kind: "shipping" }),
			await newVoucher({ kind: "percent", value: 7.25 }),
		];
		const first = await call("GET", "/vouchers?limit=1", keeper);
		expect(first.body).toMatchObject([{ code: codes[1], value: 7.25, used: 0 }]);
		const [, next] = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "") ?? [];
		const second = await send(address, "GET", next as string, { as: keeper });
		expect(second.body).toMatchObject([{ code: codes[0], value: null }]);
		expectProblem(await call("GET", "/vouchers", budi), 403, "FORBIDDEN");
		expectProblem(await call("GET", "/vouchers/nothing-like-it", keeper), 404, "VOUCHER_NOT_FOUND");
	});

	test.each([
		["a code of 10,000 characters", { code: "x".repeat(10_000) }, "code"],
		["a code of blanks", { code: " \u200b " }, "code"],
		["a code that is a part of a path", { code: ".." }, "code"],
		["101 percent", { kind: "percent", value: 101 }, "value"],
		["three decimals of a percentage", { kind: "percent", value: 1.155 }, "value"],
		["no percent at all", { kind: "percent", value: 0 }, "value"],
		["no value", { kind: "amount", value: null }, "value"],
		["an amount with decimals that the currency lacks", { value: 0.5 }, "value"],
		["a cap below zero", { cap: -1 }, "cap"],
		["a minimum below zero", { min_subtotal: -1 }, "min_subtotal"],
		[
			"a window that ends before it starts",
			{ starts_at: "2026-11-02T00:00:00Z", ends_at: "2026-11-01T00:00:00Z" },
			"ends_at",
		],
		["uses below zero", { max_uses: -1 }, "max_uses"],
		["uses that are no whole number", { per_user: 1.5 }, "per_user"],
		["an unknown kind", { kind: "gift" }, "kind"],
	])("with %s is refused, and changed to it neither", async (_, given, path) => {
		const code = await newVoucher({ kind: "amount", value: 1000 });
		const refused = await post("/vouchers", keeper, {
			code: `V${randomUUID()}`,
			kind: "amount",
			value: 1000,
			...given,
		});
		expectProblem(refused, 422, "VALIDATION_FAILED");
		expect(refused.body.errors[0].path).toBe(path);
		const before = (await call("GET", `/vouchers/${code}`, keeper)).body;
		if (path !== "code" && !("kind" in given)) {
			expectProblem(await call("PATCH", `/vouchers/${code}`, keeper, given), 422, "VALIDATION_FAILED");
		}
		expect((await call("GET", `/vouchers/${code}`, keeper)).body).toEqual(before);
	});

	test("of 10,000 characters is refused by an order", async () => {
		const request = { items: await itemsAt(5000), voucher_code: "x".repeat(10_000) };
		expectProblem(await post("/orders", budi, request), 422, "VALIDATION_FAILED");
		expectProblem(await post("/orders/quote", undefined, request), 422, "VALIDATION_FAILED");
	});
});
