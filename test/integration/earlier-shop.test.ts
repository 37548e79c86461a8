import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction, type ParamsOf } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import { sign } from "../../services/orders/webhook.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { DATABASES, type Database, type EarlierShop, restoreEarlierShop } from "./earlier-shop.ts";
import { now, SECRET } from "./paying.ts";
import { eventually, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

// A shop of the version before, killed while mails, texts, deadlines and events waited as jobs, goes on with this version.

interface Message {
	id: string;
	channel: string;
	status: string;
	is_locked: boolean;
}

let before: EarlierShop;
let mails: SlowMailServer;
let shop: ServiceBroker;
let sources: Sources;
/** The messages that waited when the shop was killed. */
let waiting: Message[];
/** The jobs and unread events that waited then. */
const work: Record<Database, string[]> = { users: [], orders: [], notifications: [] };
let unread: number;
const started = Date.now();

beforeAll(async () => {
	mails = await startSlowMailServer();
	setVariables({ SMTP_URL: mails.url });
	before = await restoreEarlierShop();
	sources = await openSources();
	waiting = await sources.snapshot("notifications", (query) =>
		query<Message>(
			`SELECT n.id, channel, status, locked_at IS NOT NULL AS is_locked
			FROM notifications n JOIN graphile_worker._private_jobs j ON j.payload->>'id' = n.id::text`,
		),
	);
	for (const database of DATABASES) {
		work[database] = await sources.snapshot(database, async (query) => {
			const jobs = await query<{ task: string }>(
				"SELECT DISTINCT task_identifier AS task FROM graphile_worker.jobs ORDER BY 1",
			);
			return jobs.map(({ task }) => task);
		});
	}
	({ unread } = await sources.consumer());
	shop = await startNode("users", "products", "orders", "notifications");
});

afterAll(async () => {
	await shop?.stop();
	await sources?.close();
	await mails?.close();
});

function sql<R extends object>(database: Database, text: string, values: unknown[] = []): Promise<R[]> {
	const service = shop.getLocalService({ name: database, version: 1 }) as unknown as PostgresService;
	return service.pool.query<R>(text, values).then(({ rows }) => rows);
}

const orderOf = (name: string) => before.orders[name] as EarlierShop["orders"][string];

async function statusOf(name: string): Promise<string> {
	return (await callAction(shop, "v1.orders.get", { id: orderOf(name).id }, asService())).status;
}

async function tokenOf(name: string): Promise<{ meta: { token: string } }> {
	const { email } = before.users[name] as { email: string };
	const { access_token } = await callAction(shop, "v1.users.login", { email, password: before.password });
	return { meta: { token: access_token } };
}

function tell(name: string, type: string, id: string) {
	const payload = JSON.stringify({ id, type, ...orderOf(name).payment });
	return callAction(shop, "v1.orders.takePaymentEvent", {
		payload,
		signature: sign(SECRET(), payload, now()),
	});
}

test("the shop was killed while work of each kind waited", () => {
	expect(work).toEqual({
		users: ["publish_event"],
		orders: ["check_payment", "expire_order", "publish_event", "release_stock"],
		notifications: ["send_email", "send_sms"],
	});
	expect(unread).toBe(5);
});

test("people log in by where they are now, and sessions go on", async () => {
	for (const name of ["budi", "ani", "citra", "fajar", "gita"]) {
		await tokenOf(name);
	}
	for (const email of ["citra@toko.test", "dewi@toko.test", "eko@toko.test"]) {
		await expect(
			callAction(shop, "v1.users.login", { email, password: before.password }),
		).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
	}
	const refresh_token = before.sessions.budi as string;
	const { access_token: token } = await callAction(shop, "v1.users.refresh", { refresh_token });
	expect(await callAction(shop, "v1.users.me", {}, { meta: { token } })).toMatchObject({ username: "budi" });
});

test("orders that are overdue expire, those that are not stay", async () => {
	for (const name of ["overdue", "overdue_open"]) {
		await eventually(`${name} to expire`, async () => (await statusOf(name)) === "expired");
	}
	for (const name of ["pending", "left_pending"]) {
		expect(await statusOf(name)).toBe("pending");
	}
	const payment = orderOf("overdue_open").payment.reference;
	await eventually("its payment to fail", async () => {
		const rows = await sql<{ status: string }>("orders", "SELECT status FROM payments WHERE reference = $1", [
			payment,
		]);
		return rows[0]?.status === "failed";
	});
});

test("a request that is sent again with its Idempotency-Key is answered with the same order", async () => {
	expect(before.keys.length).toBeGreaterThan(5);
	for (const { key, request, order } of before.keys) {
		const { id, number, user_id } = orderOf(order);
		const [name] = Object.entries(before.users).find(([, user]) => user.id === user_id) as [string, unknown];
		const as = await tokenOf(name);
		const given = { ...request, idempotency_key: key } as ParamsOf<"v1.orders.place">;
		expect(await callAction(shop, "v1.orders.place", given, as)).toMatchObject({
			id,
			number,
			status: "pending",
		});
		await expect(callAction(shop, "v1.orders.place", { ...given, note: "Lain" }, as)).rejects.toMatchObject({
			type: "KEY_REUSED",
		});
	}
});

test("orders that wait can be paid and cancelled", async () => {
	await callAction(shop, "v1.orders.pay", { id: orderOf("to_pay").id }, await tokenOf("ani"));
	expect(await statusOf("to_pay")).toBe("paid");
	await callAction(shop, "v1.orders.cancel", { id: orderOf("to_cancel").id }, await tokenOf("citra"));
	await callAction(shop, "v1.orders.cancel", { id: orderOf("unpublished").id }, await tokenOf("ani"));
	expect(await statusOf("to_cancel")).toBe("cancelled");
});

test("open payments are settled, and late money goes back", async () => {
	await tell("open", "payment.settled", "evt_open");
	await tell("unpublished_open", "payment.settled", "evt_unpublished");
	expect(await statusOf("open")).toBe("paid");
	expect(await statusOf("unpublished_open")).toBe("paid");
	await tell("cancelled_open", "payment.settled", "evt_late");
	await eventually("the money to go back", async () => {
		const rows = await sql<{ status: string }>("orders", "SELECT status FROM payments WHERE reference = $1", [
			orderOf("cancelled_open").payment.reference,
		]);
		return rows[0]?.status === "refunded";
	});
});

test("a webhook that was taken is known by its content", async () => {
	const { id, type } = orderOf("transferred").webhook;
	expect(await tell("transferred", type, id)).toEqual({ received: true });
	await expect(tell("transferred", "payment.failed", id)).rejects.toMatchObject({
		type: "WEBHOOK_ID_REUSED",
	});
});

test("every message that waited, and every one of an event that did, is sent once", async () => {
	const locked = waiting.filter(({ is_locked }) => is_locked).map(({ id }) => id);
	expect(waiting.filter(({ channel }) => channel === "email").length).toBeGreaterThan(20);
	expect(waiting.filter(({ channel }) => channel === "sms").length).toBeGreaterThan(3);
	expect(locked.length).toBeGreaterThan(3);
	// An earlier process may be about to mark them as sent. It was killed: the minute that it is given is over.
	await sql(
		"notifications",
		"UPDATE notifications SET send_at = send_at - interval '1 minute' WHERE id = ANY ($1) AND status = 'queued'",
		[locked],
	);
	await eventually("the shop to come to rest", async () => {
		// In this order: what is taken in is queued.
		if ((await sources.eventsInProgress()) > 0) {
			return false;
		}
		const queued = await sql("notifications", "SELECT FROM notifications WHERE status = 'queued'");
		return queued.length === 0;
	});
	const sent = await sql<{ id: string; channel: string }>(
		"notifications",
		"SELECT id, channel FROM notifications WHERE status = 'sent' AND sent_at > $1",
		[new Date(started)],
	);
	const of = (channel: string) => sent.filter((message) => message.channel === channel).map(({ id }) => id);
	expect(mails.ids.toSorted()).toEqual(of("email").toSorted());
	expect(waiting.map(({ id }) => id).filter((id) => !sent.some((message) => message.id === id))).toEqual([]);
	const texts = await readdir(join(settings.directory, "mailbox"));
	expect(texts.map((file) => file.replace(/\.eml$/, "")).toSorted()).toEqual(of("sms").toSorted());
	// The welcome of somebody whose registration was in the outbox, and what was unread in the stream.
	expect(mails.received).toContain("gita@toko.test");
});

test("no job is left, and the audit finds no breach", async () => {
	for (const database of DATABASES) {
		await eventually(`the jobs of ${database}`, async () => {
			return (await sql(database, "SELECT FROM graphile_worker.jobs")).length === 0;
		});
	}
	const { results, breaches } = await audit(sources, 20_000, 20);
	expect(breaches).toEqual([]);
	expect(results.filter(({ checked }) => checked > 0).length).toBeGreaterThan(10);
});
