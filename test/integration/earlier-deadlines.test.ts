import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import { withEarlierOrders } from "./earlier-orders.ts";
import { eventually, newProduct, startNode, stockOf } from "./shop.ts";

/** Orders of the previous version: their reservations have separate ids, and their deadlines are jobs. */
const [overdue, open, paid, cancelled] = Array.from({ length: 4 }, () => ({
	id: randomUUID(),
	reservation_id: randomUUID(),
})) as [Earlier, Earlier, Earlier, Earlier];
const all = [overdue, open, paid, cancelled];
const REFERENCE = "pay_earlier";

interface Earlier {
	id: string;
	reservation_id: string;
}

let shop: ServiceBroker;
let product: { id: string };

const orders = () => shop.getLocalService({ name: "orders", version: 1 }) as unknown as PostgresService;

beforeAll(async () => {
	const other = await startNode("products");
	product = await newProduct(other, 10);
	for (const { reservation_id } of all) {
		await other.call("v1.products.reserve", {
			reservation_id,
			lines: [{ product_id: product.id, quantity: 2 }],
			expires_at: new Date(Date.now() + 3_600_000).toISOString(),
		});
	}
	await other.stop();
	await withEarlierOrders("010", async ({ pool }) => {
		for (const { id, reservation_id } of all) {
			const order = {
				...{ id, user_id: 1, status: "pending", total_minor: 30_000, currency: "IDR" },
				...{ shipping_address: null, note: null },
				expires_at: new Date(Date.now() + (id === overdue.id ? -1000 : 3_600_000)).toISOString(),
			};
			const lines = [{ product_id: product.id, name: "Kopi", price_minor: 15_000, quantity: 2 }];
			const data = {
				order_id: id,
				number: "",
				user_id: 1,
				total_minor: 30_000,
				currency: "IDR",
				items: lines,
			};
			await pool.query("SELECT place_order($1, $2, $3, NULL, NULL, $4)", [
				...[JSON.stringify(order), JSON.stringify(lines), reservation_id],
				JSON.stringify({ name: "order.placed", version: 1, data }),
			]);
		}
		await pool.query(
			"SELECT open_payment($1, NULL, '{pending}', $2, 'instant', now() - interval '1 second')",
			[open.id, REFERENCE],
		);
		const moved = JSON.stringify({ name: "order.paid", version: 1 });
		await pool.query("SELECT move_order($1, NULL, '{pending}', 'paid', 'shop', $2, 'consume_stock')", [
			paid.id,
			moved,
		]);
		const { rows } = await pool.query(
			`SELECT t.identifier, count(*)::integer AS jobs
			FROM graphile_worker._private_jobs j JOIN graphile_worker._private_tasks t ON t.id = j.task_id GROUP BY 1 ORDER BY 1`,
		);
		expect(rows).toEqual([
			{ identifier: "check_payment", jobs: 1 },
			{ identifier: "consume_stock", jobs: 1 },
			{ identifier: "expire_order", jobs: 3 },
		]);
	});
	shop = await startNode("products", "orders");
});

afterAll(() => shop?.stop());

const held = async () => (await stockOf(shop, product.id))?.held;

test("an order of the version before that is overdue expires, and its units go back on sale", async () => {
	await eventually("the order to expire", async () => {
		const { rows } = await orders().pool.query("SELECT status FROM orders WHERE id = $1", [overdue.id]);
		return rows[0].status === "expired";
	});
	await eventually("its units, and those of the paid one", async () => (await held()) === 4);
	expect(await stockOf(shop, product.id)).toMatchObject({ stock: 4, held: 4 });
});

test("its payment is ended when its job would have ended it", async () => {
	await eventually("the payment to fail", async () => {
		const { rows } = await orders().pool.query("SELECT status FROM payments WHERE reference = $1", [
			REFERENCE,
		]);
		return rows[0].status === "failed";
	});
});

test("one that is cancelled now gives its units back", async () => {
	await callAction(shop, "v1.orders.cancel", { id: cancelled.id }, asService());
	await eventually("its units", async () => (await held()) === 2);
	expect(await stockOf(shop, product.id)).toMatchObject({ stock: 6, held: 2 });
});

test("no job is left, and those that wait keep their columns", async () => {
	await eventually("all jobs", async () => {
		const { rows } = await orders().pool.query("SELECT FROM graphile_worker.jobs");
		return rows.length === 0;
	});
	const { rows } = await orders().pool.query("SELECT id FROM orders WHERE status = 'pending'");
	expect(rows).toEqual([{ id: open.id }]);
});
