import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { PRUNE_EVERY_MS, PRUNED_AT_ONCE } from "../../config/retention.ts";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { Prune } from "../../mixins/pruning.ts";
import { eraseDeletedUsers, eraseUser } from "../../services/orders/erasure.ts";
import { pruneKeys, pruneProviderEvents, pruneReservations } from "../../services/orders/prune.ts";
import { sign } from "../../services/orders/webhook.ts";
import * as users from "../../services/users/prune.ts";
import { eventually, newProduct, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;

const serviceOf = (name: string) => shop.getLocalService({ name, version: 1 }) as unknown as PostgresService;
const orders = () => serviceOf("orders");

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

test("keys go when their time is over, a batch at a time; those of pending orders and young ones stay", async () => {
	const { pool } = orders();
	const { id: product_id } = await newProduct(shop, 5);
	const items = [{ product_id, quantity: 1 }];
	await buyer.call("v1.orders.place", { items, idempotency_key: "pending" });
	await pool.query(
		`UPDATE idempotency_keys SET created_at = now() - interval '25 hours';
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer, created_at)
		SELECT 7, 'old ' || n, '', '{"refused": {}}', now() - interval '24 hours' FROM generate_series(1, ${PRUNED_AT_ONCE + 1}) AS n;
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer, created_at)
		VALUES (7, 'young', '', '{"refused": {}}', now() - interval '23 hours')`,
	);
	expect(await pruneKeys(pool)).toBe(true);
	expect(await pruneKeys(pool)).toBe(false);
	const { rows } = await pool.query<{ key: string }>("SELECT key FROM idempotency_keys ORDER BY key");
	expect(rows.map(({ key }) => key)).toEqual(["pending", "young"]);
});

test("a request under a key whose time is over is a new one, and leaves other old keys to the job", async () => {
	const { pool } = orders();
	const { id: product_id } = await newProduct(shop, 5);
	const request = { items: [{ product_id, quantity: 1 }], idempotency_key: "again" };
	const first = await buyer.call("v1.orders.place", request);
	expect(await buyer.call("v1.orders.place", request)).toEqual(first);
	await buyer.call("v1.orders.cancel", { id: first.id });
	await buyer.call("v1.orders.cancel", {
		id: (await buyer.call("v1.orders.place", { ...request, idempotency_key: "other" })).id,
	});
	await pool.query(
		"UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key IN ('again', 'other')",
	);
	const second = await buyer.call("v1.orders.place", request);
	expect(second.id).not.toBe(first.id);
	const { rows } = await pool.query<{ key: string; is_old: boolean }>(
		`SELECT key, created_at < now() - interval '1 day' AS is_old FROM idempotency_keys
		WHERE key IN ('again', 'other') ORDER BY key`,
	);
	expect(rows).toEqual([
		{ key: "again", is_old: false },
		{ key: "other", is_old: true },
	]);
});

describe("users forgets what is old, a batch at a time, and keeps what is young:", () => {
	const many = PRUNED_AT_ONCE + 1;

	test.each<[string, Prune, string, string]>([
		[
			"refresh tokens that have expired",
			users.pruneTokens,
			"SELECT count(*)::integer AS rows FROM refresh_tokens",
			`INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
			SELECT sha256(n::text::bytea), gen_random_uuid(), $1, now() - interval '1 second' FROM generate_series(1, ${many}) AS n`,
		],
		[
			"counts of wrong passwords that are over",
			users.pruneAttempts,
			"SELECT count(*)::integer AS rows FROM login_attempts",
			`INSERT INTO login_attempts (key, points, expire)
			SELECT 'address:' || $1 || ' ' || n, 1, extract(epoch FROM now()) * 1000 - 1 FROM generate_series(1, ${many}) AS n`,
		],
		[
			"addresses that users had more than 30 days ago",
			users.pruneFormerEmails,
			"SELECT count(*)::integer AS rows FROM former_emails",
			`INSERT INTO former_emails (user_id, email, until)
			SELECT $1, n || '@toko.test', now() - interval '30 days' - interval '1 second' FROM generate_series(1, ${many}) AS n`,
		],
		[
			"when mails were asked for more than a year ago",
			users.pruneMailRequests,
			"SELECT count(*)::integer AS rows FROM user_history",
			`INSERT INTO user_history (user_id, event, at)
			SELECT $1, 'user.password_reset_requested', now() - interval '366 days' FROM generate_series(1, ${many}) AS n`,
		],
	])("%s", async (_, prune, count, insertOld) => {
		const { pool } = serviceOf("users");
		await pool.query(
			`INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
			VALUES (sha256('young'), gen_random_uuid(), ${buyer.id}, now() + interval '1 minute') ON CONFLICT DO NOTHING;
			INSERT INTO login_attempts VALUES ('address:young', 1, (extract(epoch FROM now()) + 60) * 1000)
			ON CONFLICT DO NOTHING;
			INSERT INTO former_emails VALUES (${buyer.id}, 'young@toko.test', now() - interval '29 days');
			INSERT INTO user_history VALUES (${buyer.id}, 'user.password_reset_requested', now() - interval '364 days'),
				(${buyer.id}, 'user.password_changed', now() - interval '3 years')`,
		);
		const rows = async () => (await pool.query<{ rows: number }>(count)).rows[0]?.rows as number;
		const young = await rows();
		await pool.query(insertOld, [buyer.id]);
		expect(await rows()).toBe(young + many);
		expect(await prune(pool)).toBe(true);
		expect(await rows()).toBe(young + many - PRUNED_AT_ONCE);
		expect(await prune(pool)).toBe(false);
		expect(await rows()).toBe(young);
	});

	test("signing keys, once the next one is there for longer than any token", async () => {
		const { pool } = serviceOf("users");
		await pool.query(
			`INSERT INTO signing_keys (kid, public_jwk, private_key, created_at) VALUES
				('old', '{}', '', now() - interval '3 hours'), ('next', '{}', '', now() - interval '2 hours')`,
		);
		expect(await users.pruneKeys(pool)).toBe(false);
		const { rows } = await pool.query<{ kid: string }>(
			"SELECT kid FROM signing_keys WHERE kid IN ('old', 'next')",
		);
		expect(rows).toEqual([{ kid: "next" }]);
		await pool.query("DELETE FROM signing_keys WHERE kid = 'next'");
	});
});

test.each<[string, string, Prune]>([
	["orders", "reservations", pruneReservations],
	["orders", "provider_events", pruneProviderEvents],
	["orders", "idempotency_keys", pruneKeys],
	["users", "refresh_tokens", users.pruneTokens],
	["users", "login_attempts", users.pruneAttempts],
	["users", "former_emails", users.pruneFormerEmails],
	["users", "user_history", users.pruneMailRequests],
])("%s finds the old rows of %s by an index", async (name, table, prune) => {
	const client = await serviceOf(name).pool.connect();
	try {
		await client.query("BEGIN; SET LOCAL enable_seqscan = off");
		let plan = "";
		const query = async (sql: string) => {
			const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${sql}`);
			plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
			return { rows: [], rowCount: 0 };
		};
		await prune({ query } as never);
		expect(plan).toMatch(new RegExp(`Index Scan (using|on) ${table}`));
		// A sequential scan appears, although disabled, if there is no suitable index.
		expect(plan).not.toContain("Seq Scan");
	} finally {
		await client.query("ROLLBACK");
		client.release();
	}
});

test("a service that is started prunes within the hour", async () => {
	const { pool } = orders();
	const count = async () => {
		const { rows } = await pool.query<{ rows: number }>(
			"SELECT count(*)::integer AS rows FROM reservations WHERE order_id IS NULL AND created_at < now() - interval '30 days'",
		);
		return rows[0]?.rows;
	};
	await pool.query(
		`INSERT INTO reservations (id, created_at)
		SELECT gen_random_uuid(), now() - interval '31 days' FROM generate_series(1, ${PRUNED_AT_ONCE + 1})`,
	);
	// The first run is at a random time of the first hour; here it is immediate.
	const { setTimeout: inTime } = globalThis;
	const timers = jest
		.spyOn(globalThis, "setTimeout")
		.mockImplementation(((work: () => void, delay_ms: number, ...given: []) =>
			inTime(work, work.name === "prune" && delay_ms < PRUNE_EVERY_MS ? 0 : delay_ms, ...given)) as never);
	const other = await startNode("orders").finally(() => timers.mockRestore());
	try {
		await eventually("the old reservations to be gone", async () => (await count()) === 0);
	} finally {
		await other.stop();
	}
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
		const signature = sign(settings.paymentWebhookSecret, payload, Math.floor(Date.now() / 1000));
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
