import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import type { DeliveryProcess } from "../../services/notifications/delivery.ts";
import type { Dispatcher } from "../../services/notifications/dispatcher.ts";
import { Orphans } from "../../services/notifications/queue.ts";
import { setVariables } from "../variables.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";
import { type SlowMailServer, startSlowMailServer } from "./slow-mail-server.ts";

/** More than the maximum number of mails in flight. */
const MAILS = 12;
let mails: SlowMailServer;
let shop: ServiceBroker;
const database = new pg.Client(databaseUrl("notifications"));

beforeAll(async () => {
	mails = await startSlowMailServer();
	setVariables({ SMTP_URL: mails.url });
	shop = await startNode("users", "notifications");
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await shop.stop();
	await mails.close();
});

const service = () =>
	shop.getLocalService({ name: "notifications", version: 1 }) as unknown as {
		dispatcher: Dispatcher;
		delivery: DeliveryProcess;
	};

async function register(): Promise<string> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Budi" });
	return email;
}

async function count(condition: string): Promise<number> {
	const { rows } = await database.query(
		`SELECT count(*)::integer AS count FROM notifications WHERE ${condition}`,
	);
	return rows[0].count;
}

const timesOf = (people: string[]) =>
	people.map((person) => mails.received.filter((address) => address === person).length);

/** Registers users whose mails the server has received or will receive, and accepts once `resolve` is called. */
async function mailsInHand() {
	const { promise, resolve } = Promise.withResolvers<void>();
	mails.accepting = promise;
	const people = await Promise.all(Array.from({ length: MAILS }, register));
	await eventually("mails in hand", async () => (await count("leased_by IS NOT NULL")) === MAILS);
	return { people, resolve };
}

/** Waits until all mails are sent, and for another one: a duplicate would arrive before it. */
async function allSent(): Promise<void> {
	await eventually("all to be sent", async () => (await count("status <> 'sent'")) === 0);
	const last = await register();
	await eventually("another mail", async () => timesOf([last])[0] === 1);
	await eventually("its mark", async () => (await count("status <> 'sent'")) === 0);
}

test("a worker whose session PostgreSQL has ended keeps its messages; each is sent once", async () => {
	const { people, resolve } = await mailsInHand();
	const { pid, lease } = service().delivery as { pid: number; lease: number };
	// Otherwise it might reacquire its lock before the test checks.
	process.kill(pid, "SIGSTOP");
	try {
		await database.query(
			"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'toko notifications lease' AND datname = current_database()",
		);
		expect(await new Orphans().free(database as never, [lease])).toBe(0);
	} finally {
		process.kill(pid, "SIGCONT");
	}
	await eventually("the lock to be there again", async () => {
		const { rowCount } = await database.query(
			"SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1::oid AND granted",
			[lease],
		);
		return rowCount === 1;
	});
	expect(await count("leased_by IS NOT NULL")).toBe(MAILS);
	resolve();
	await allSent();
	expect(timesOf(people)).toEqual(people.map(() => 1));
});

test("messages that are released while in progress are not sent twice by the same process", async () => {
	const { people, resolve } = await mailsInHand();
	await database.query(
		"UPDATE notifications SET leased_by = NULL, leased_at = NULL WHERE leased_by IS NOT NULL",
	);
	service().dispatcher.wake();
	await eventually("them to be leased again", async () => (await count("leased_by IS NOT NULL")) === MAILS);
	resolve();
	await allSent();
	expect(timesOf(people)).toEqual(people.map(() => 1));
});
