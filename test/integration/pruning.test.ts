import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import { eraseDeletedUsers, eraseUser } from "../../services/orders/erasure.ts";
import { pruneProviderEvents, pruneReservations } from "../../services/orders/prune.ts";
import { sign } from "../../services/orders/webhook.ts";
import { newProduct, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;

const orders = () => shop.getLocalService({ name: "orders", version: 1 }) as unknown as PostgresService;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	buyer = await newUser(shop);
});

afterAll(() => shop?.stop());

test("old reservations that were abandoned go, however many; those of orders and young ones stay", async () => {
	const product = await newProduct(shop, 5);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 1 }] });
	await callAction(shop, "v1.orders.settleReservations", { reservation_ids: [randomUUID()] }, asService());
	await orders().pool.query(
		`INSERT INTO reservations (id, created_at) SELECT gen_random_uuid(), now() - interval '31 days' FROM generate_series(1, 12000);
		UPDATE reservations SET created_at = now() - interval '1 year' WHERE order_id IS NOT NULL`,
	);
	expect(await pruneReservations(orders().pool)).toBe(true);
	while (await pruneReservations(orders().pool)) {
		// Prunes another batch.
	}
	const { rows } = await orders().pool.query<{ order_id: string | null }>(
		"SELECT order_id FROM reservations ORDER BY order_id",
	);
	expect(rows.map(({ order_id }) => order_id)).toEqual([order.id, null]);
});

test("an old webhook goes, and the same once more changes nothing", async () => {
	const product = await newProduct(shop, 5);
	const { id, total } = await buyer.call("v1.orders.place", {
		items: [{ product_id: product.id, quantity: 1 }],
	});
	const { payment } = await buyer.call("v1.orders.pay", { id, method: "transfer" });
	const reference = payment?.reference as string;
	const payload = JSON.stringify({ id: "evt_old", type: "payment.settled", reference, amount: total });
	const tell = () => {
		const signature = sign(
			process.env.PAYMENT_WEBHOOK_SECRET as string,
			payload,
			Math.floor(Date.now() / 1000),
		);
		return callAction(shop, "v1.orders.takePaymentEvent", { payload, signature });
	};
	await tell();
	await orders().pool.query("UPDATE provider_events SET received_at = now() - interval '181 days'");
	expect(await pruneProviderEvents(orders().pool)).toBe(false);
	expect((await orders().pool.query("SELECT FROM provider_events")).rowCount).toBe(0);
	expect(await tell()).toEqual({ received: true });
	expect(await buyer.call("v1.orders.get", { id })).toMatchObject({ status: "paid" });
});

test("a process that was frozen until its reservation was forgotten makes no order of it", async () => {
	const id = randomUUID();
	const order = {
		...{ id, user_id: buyer.id, status: "pending", total_minor: 0, currency: "IDR" },
		expires_at: new Date(Date.now() - 86_500_000).toISOString(),
	};
	await expect(
		orders().pool.query("SELECT place_order($1, '[]', $2, NULL, NULL, '{}')", [JSON.stringify(order), id]),
	).rejects.toMatchObject({ code: "23505", constraint: "reservations_pkey" });
});

test("deleting a user looks at the orders of nobody else; those that were settled since are for the hourly job", async () => {
	const { pool } = orders();
	const [earlier, later] = [await newUser(shop), await newUser(shop)];
	const { id: product_id } = await newProduct(shop, 5);
	const placed: string[] = [];
	for (const person of [earlier, later]) {
		const order = await person.call("v1.orders.place", {
			items: [{ product_id, quantity: 1 }],
			note: "Leave it at the door",
		});
		await person.call("v1.orders.cancel", { id: order.id });
		placed.push(order.id);
	}
	const notes = async () => {
		const { rows } = await pool.query<{ note: string | null }>(
			"SELECT note FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, place) JOIN orders USING (id) ORDER BY place",
			[placed],
		);
		return rows.map(({ note }) => note);
	};
	await pool.query("INSERT INTO deleted_users (user_id) VALUES ($1)", [earlier.id]);
	await eraseUser(pool, later.id);
	expect(await notes()).toEqual(["Leave it at the door", null]);
	await eraseDeletedUsers(pool);
	expect(await notes()).toEqual([null, null]);
});
