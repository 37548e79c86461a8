import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { listOrders } from "../../services/orders/model.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { setVariables } from "../variables.ts";
import { admin, eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";

let broker: ServiceBroker;
let buyer: Person;

beforeAll(async () => {
	broker = await startNode("users", "products", "orders");
	buyer = await newUser(broker);
});

afterAll(() => broker.stop());

describe("placing an order", () => {
	test("holds the units and keeps the names and prices of the moment", async () => {
		const product = await newProduct(broker, 10, 15_000);
		const order = await buyer.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 3 }],
			note: "Pagi",
		});
		expect(order).toMatchObject({
			status: "pending",
			user_id: buyer.id,
			total: 45_000,
			note: "Pagi",
			shipping_address: null,
			items: [{ product_id: product.id, name: product.name, price: 15_000, quantity: 3, subtotal: 45_000 }],
		});
		await callAction(broker, "v1.products.update", { id: product.id, price: 99_000 }, asService());
		expect(await buyer.call("v1.orders.get", { id: order.id })).toEqual(order);
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 7, held: 3, supplied: 10, holds: 1 });
	});

	test("sums lines of the same product before anything is held", async () => {
		const product = await newProduct(broker, 5);
		const items = [1, 2, 2].map((quantity) => ({ product_id: product.id, quantity }));
		expect((await buyer.call("v1.orders.place", { items })).items).toMatchObject([{ quantity: 5 }]);
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 0, held: 5, holds: 1 });
	});

	test("the millionth order has a number of its own", async () => {
		const { pool } = broker.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService;
		const product = await newProduct(broker, 10);
		const place = () => buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 1 }] });
		const numbers: string[] = [];
		for (const given of [99_999, 999_998, 1_234_566]) {
			await pool.query("SELECT setval('order_numbers', $1)", [given]);
			numbers.push((await place()).number, (await place()).number);
		}
		expect(numbers).toEqual([
			...["TK-100000", "TK-100001", "TK-999999", "TK-1000000"],
			...["TK-1234567", "TK-1234568"],
		]);
	});

	test("tells all shortages at once and holds nothing", async () => {
		const [plenty, few, none] = [
			await newProduct(broker, 9),
			await newProduct(broker, 2),
			await newProduct(broker, 0),
		];
		const items = [plenty, few, none].map(({ id }) => ({ product_id: id, quantity: 3 }));
		await expect(buyer.call("v1.orders.place", { items })).rejects.toMatchObject({
			code: 409,
			type: "OUT_OF_STOCK",
			data: {
				errors: expect.arrayContaining([
					expect.objectContaining({ product_id: few.id, requested: 3, available: 2 }),
					expect.objectContaining({ product_id: none.id, requested: 3, available: 0 }),
				]),
			},
		});
		expect(await stockOf(broker, plenty.id)).toMatchObject({ stock: 9, held: 0 });
		expect(await stockOf(broker, few.id)).toMatchObject({ stock: 2, held: 0 });
	});

	test("refuses an unknown and a removed product, and holds nothing of the others", async () => {
		const [good, removed] = [await newProduct(broker, 4), await newProduct(broker, 4)];
		await callAction(broker, "v1.products.remove", { id: removed.id }, asService());
		for (const product_id of [removed.id, "nothing", "507f1f77bcf86cd799439011"]) {
			const items = [good.id, product_id].map((id) => ({ product_id: id, quantity: 1 }));
			await expect(buyer.call("v1.orders.place", { items })).rejects.toMatchObject({
				code: 404,
				type: "PRODUCT_NOT_FOUND",
			});
		}
		expect(await stockOf(broker, good.id)).toMatchObject({ stock: 4, held: 0 });
	});

	test("refuses a total that no order can have and gives the units back", async () => {
		const product = await newProduct(broker, 1_000_000, 1_000_000_000_000);
		const items = [{ product_id: product.id, quantity: 10_000 }];
		await expect(buyer.call("v1.orders.place", { items })).rejects.toMatchObject({ type: "TOTAL_TOO_LARGE" });
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 1_000_000, held: 0 });
	});

	test("sells 50 units to 200 buyers exactly once", async () => {
		const product = await newProduct(broker, 50);
		const items = [{ product_id: product.id, quantity: 1 }];
		const answers = await Promise.allSettled(
			Array.from({ length: 200 }, () =>
				eventually("a response", () =>
					buyer.call("v1.orders.place", { items }).catch((error) => {
						// A busy machine refuses some of so many at once.
						if (error.type !== "QUEUE_FULL") {
							throw error;
						}
						return undefined;
					}),
				),
			),
		);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
		for (const answer of answers) {
			if (answer.status === "rejected") {
				expect(answer.reason).toMatchObject({ code: 409, type: "OUT_OF_STOCK" });
			}
		}
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 0, held: 50, holds: 50 });
	});
});

describe("an idempotency key", () => {
	test("gets the same answer again, and one order", async () => {
		const product = await newProduct(broker, 5);
		const request = { items: [{ product_id: product.id, quantity: 1 }], idempotency_key: randomUUID() };
		const first = await buyer.call("v1.orders.place", request);
		expect(await buyer.call("v1.orders.place", request)).toEqual(first);
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 4, held: 1 });
	});

	test("makes one order of requests that arrive at the same moment, also for the last unit", async () => {
		const product = await newProduct(broker, 1);
		const request = { items: [{ product_id: product.id, quantity: 1 }], idempotency_key: randomUUID() };
		const answers = await Promise.all(
			Array.from({ length: 8 }, () => buyer.call("v1.orders.place", request)),
		);
		expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 0, held: 1 });
	});

	test("keeps a refusal, even when stock has come in meanwhile", async () => {
		const product = await newProduct(broker, 0);
		const request = { items: [{ product_id: product.id, quantity: 1 }], idempotency_key: randomUUID() };
		await expect(buyer.call("v1.orders.place", request)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
		await callAction(broker, "v1.products.changeStock", { id: product.id, quantity: 5 }, asService());
		await expect(buyer.call("v1.orders.place", request)).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
	});

	test("is refused with another body", async () => {
		const product = await newProduct(broker, 5);
		const idempotency_key = randomUUID();
		await buyer.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 1 }],
			idempotency_key,
		});
		await expect(
			buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }], idempotency_key }),
		).rejects.toMatchObject({ code: 422, type: "KEY_REUSED" });
	});

	test("belongs to its user: somebody else's same key is another order", async () => {
		const product = await newProduct(broker, 5);
		const other = await newUser(broker);
		const request = { items: [{ product_id: product.id, quantity: 1 }], idempotency_key: randomUUID() };
		const [mine, theirs] = [
			await buyer.call("v1.orders.place", request),
			await other.call("v1.orders.place", request),
		];
		expect(theirs.id).not.toBe(mine.id);
	});
});

describe("reading orders", () => {
	test("shows one's own, newest first, and an admin everybody's", async () => {
		const [one, two] = [await newUser(broker), await newUser(broker)];
		const product = await newProduct(broker, 9);
		const items = [{ product_id: product.id, quantity: 1 }];
		const first = await one.call("v1.orders.place", { items });
		const second = await one.call("v1.orders.place", { items });
		const foreign = await two.call("v1.orders.place", { items });
		expect((await one.call("v1.orders.list", {})).items.map(({ id }) => id)).toEqual([second.id, first.id]);
		expect((await one.call("v1.orders.list", { skip: 1, limit: 1 })).items.map(({ id }) => id)).toEqual([
			first.id,
		]);
		await expect(one.call("v1.orders.get", { id: foreign.id })).rejects.toMatchObject({ code: 404 });
		await expect(one.call("v1.orders.get", { id: "x" })).rejects.toMatchObject({ code: 404 });
		const keeper = await admin(broker);
		expect(await keeper.call("v1.orders.get", { id: foreign.id })).toEqual(foreign);
		expect(await keeper.call("v1.orders.find", { id: foreign.number.toLowerCase() })).toEqual(foreign);
	});
});

describe("an order that is not paid", () => {
	test("can be cancelled once; its units return", async () => {
		const product = await newProduct(broker, 5);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
		const answers = await Promise.allSettled(
			[1, 2, 3].map(() => buyer.call("v1.orders.cancel", { id: order.id })),
		);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		for (const answer of answers) {
			if (answer.status === "rejected") {
				expect(answer.reason).toMatchObject({
					code: 409,
					type: "ORDER_IN_OTHER_STATE",
					data: { state: "cancelled" },
				});
			}
		}
		await eventually("the units to return", async () => (await stockOf(broker, product.id))?.stock === 5);
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 5, held: 0, supplied: 5 });
	});

	test("cannot be cancelled by somebody else", async () => {
		const product = await newProduct(broker, 5);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
		const other = await newUser(broker);
		await expect(other.call("v1.orders.cancel", { id: order.id })).rejects.toMatchObject({ code: 404 });
		expect(await buyer.call("v1.orders.get", { id: order.id })).toMatchObject({ status: "pending" });
	});

	test("expires at its time; its units return", async () => {
		setVariables({ ORDER_TTL_MINUTES: "0.01" });
		const product = await newProduct(broker, 5);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
		setVariables({ ORDER_TTL_MINUTES: undefined });
		await eventually(
			"the order to expire",
			async () => (await buyer.call("v1.orders.get", { id: order.id })).status === "expired",
		);
		await eventually("the units to return", async () => (await stockOf(broker, product.id))?.stock === 5);
		await expect(buyer.call("v1.orders.cancel", { id: order.id })).rejects.toMatchObject({
			data: { state: "expired" },
		});
	});
});

describe("a hold without an order", () => {
	const longAgo = () => new Date(Date.now() - 3_600_000).toISOString();
	const sweep = () =>
		(
			broker.getLocalService({ name: "products", version: 1 }) as unknown as { sweeper: Sweeper }
		).sweeper.sweep();

	test("is released by the sweeper, and its reservation can never become an order", async () => {
		const product = await newProduct(broker, 5);
		const reservation_id = randomUUID();
		const lines = [{ product_id: product.id, quantity: 4 }];
		await callAction(broker, "v1.products.reserve", { reservation_id, lines, expires_at: longAgo() });
		await sweep();
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 5, held: 0 });
		const orders = broker.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService;
		await expect(
			orders.pool.query("INSERT INTO reservations (id) VALUES ($1)", [reservation_id]),
		).rejects.toMatchObject({ code: "23505" });
	});

	test("is released wherever it is, however many products have holds that are due", async () => {
		const products = await Promise.all(Array.from({ length: 151 }, () => newProduct(broker, 1)));
		await Promise.all(
			products.map(({ id }) =>
				callAction(broker, "v1.products.reserve", {
					reservation_id: randomUUID(),
					lines: [{ product_id: id, quantity: 1 }],
					expires_at: longAgo(),
				}),
			),
		);
		await sweep();
		const after = await Promise.all(products.map(({ id }) => stockOf(broker, id)));
		expect(after.filter((row) => row?.stock !== 1 || row.held !== 0)).toEqual([]);
	});

	test("is released within a minute, long before its time is over; one that is just being ordered stays", async () => {
		const product = await newProduct(broker, 5);
		const madeAgo = (seconds: number) =>
			new Date(Date.now() + settings.orderTtlMinutes * 60_000 - seconds * 1000).toISOString();
		for (const [seconds, quantity] of [
			[1, 1],
			[48, 2],
		] as const) {
			await callAction(broker, "v1.products.reserve", {
				reservation_id: randomUUID(),
				lines: [{ product_id: product.id, quantity }],
				expires_at: madeAgo(seconds),
			});
		}
		await sweep();
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 4, held: 1 });
	});

	test("stays while its order is pending, however late the sweeper looks", async () => {
		const product = await newProduct(broker, 5);
		setVariables({ ORDER_TTL_MINUTES: "60" });
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
		setVariables({ ORDER_TTL_MINUTES: undefined });
		const products = broker.getLocalService({ name: "products", version: 1 }) as unknown as {
			adapter: { updateMany(query: object, update: object): Promise<number> };
		};
		await products.adapter.updateMany({ _id: product.id }, { $set: { "holds.0.expires_at": longAgo() } });
		await sweep();
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: 3, held: 2 });
		expect(await buyer.call("v1.orders.get", { id: order.id })).toMatchObject({ status: "pending" });
	});
});

test("a page of orders is read by an index alone, also by a plan that PostgreSQL keeps for all pages", async () => {
	const { pool } = broker.getLocalService({ name: "orders", version: 1 }) as unknown as JobsService;
	const texts: string[] = [];
	const asked = {
		async query(text: string) {
			texts.push(text);
			return { rows: [] };
		},
	};
	const after: [string, string] = [new Date().toISOString(), randomUUID()];
	await listOrders(asked as never, 7, { skip: 0, limit: 20, after });
	await listOrders(asked as never, "anybody", { skip: 0, limit: 20, after });
	for (const text of texts) {
		const { rows } = await pool.query(`EXPLAIN (GENERIC_PLAN) ${text}`);
		const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
		expect(plan).toMatch(/Index Cond: .*ROW\(created_at, id\) < ROW\(/);
		expect(plan).not.toMatch(/^ *Filter:/m);
	}
});
