import { randomInt, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DeliveryProcess } from "../../services/notifications/delivery.ts";
import { pruneMessages } from "../../services/notifications/model.ts";
import { LEASE_LOCK } from "../../services/notifications/queue.ts";
import { eventually, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let buyer: Person;
const database = new pg.Client(databaseUrl("notifications"));

beforeAll(async () => {
	shop = await startNode("users", "notifications");
	await database.connect();
	buyer = await newUser(shop);
	await eventually("a welcome", async () => (await statuses("welcome"))[0] === "sent");
});

afterAll(async () => {
	await database.end();
	await shop.stop();
});

const service = () =>
	shop.getLocalService({ name: "notifications", version: 1 }) as unknown as PostgresService & {
		delivery: DeliveryProcess;
	};

async function statuses(type: string): Promise<string[]> {
	const { rows } = await database.query(
		"SELECT status FROM notifications WHERE type = $1 ORDER BY created_at",
		[type],
	);
	return rows.map(({ status }) => status);
}

/** Adds mails to the queue, with these columns in addition to those of a new one. */
async function queue(
	type: string,
	count: number,
	columns: Record<string, unknown> = {},
	queued_at = new Date().toISOString(),
): Promise<void> {
	const names = Object.keys(columns);
	await database.query(
		`INSERT INTO notifications (event_id, user_id, type, channel, aggregate, history, data${names.map((name) => `, ${name}`).join("")})
		SELECT gen_random_uuid(), $1::integer, $2, 'email', 'user:' || $1::integer, $4,
			jsonb_build_object('id', gen_random_uuid(), 'name', 'user.registered', 'occurred_at', '2026-01-01T00:00:00.000Z',
				'data', jsonb_build_object('user_id', $1::integer))${names.map((_, index) => `, $${index + 5}`).join("")}
		FROM generate_series(1, $3::integer)`,
		[buyer.id, type, count, JSON.stringify([{ status: "queued", at: queued_at }]), ...Object.values(columns)],
	);
}

const old = new Date(Date.now() - 10_000);
const all = (type: string, status: string) => async () =>
	(await statuses(type)).every((found) => found === status);

test("messages of a dead worker are taken over within seconds, those of a live one are not", async () => {
	const [dead, living] = [randomInt(2 ** 31), randomInt(2 ** 31)];
	await database.query("SELECT pg_advisory_lock_shared($1, $2)", [LEASE_LOCK, living]);
	await queue("of_living", 1, { leased_by: living, leased_at: old });
	await queue("of_dead", 5, { leased_by: dead, leased_at: old });
	await eventually("the messages of the dead one", all("of_dead", "sent"));
	expect(await statuses("of_living")).toEqual(["queued"]);
	await database.query("SELECT pg_advisory_unlock_all()");
	await eventually("the other message", all("of_living", "sent"));
});

test("messages that a process has leased without knowing it are sent all the same", async () => {
	const { pool } = service();
	const query = pool.query as (...given: unknown[]) => Promise<pg.QueryResult>;
	let lost = 0;
	pool.query = async function (this: pg.Pool, ...given: unknown[]) {
		const answer = await query.apply(this, given);
		if (lost === 0 && String(given[0]).includes("SKIP LOCKED") && answer.rows.length > 0) {
			lost = answer.rows.length;
			throw new Error("Connection terminated unexpectedly");
		}
		return answer;
	} as never;
	try {
		await queue("unheard", 3);
		await eventually("the mails", all("unheard", "sent"));
		expect(lost).toBeGreaterThan(0);
	} finally {
		pool.query = query as never;
	}
});

test("messages that were leased after this process gave up on them are sent some seconds later", async () => {
	await queue("ghost", 2, { leased_by: service().delivery.lease, leased_at: old });
	await eventually("the mails", all("ghost", "sent"));
});

test("a backlog is leased and marked in batches", async () => {
	await queue("backlog", 400, { send_at: new Date(Date.now() + 86_400_000) });
	const commits = async () => {
		await database.query("SELECT pg_stat_clear_snapshot()");
		const { rows } = await database.query(
			"SELECT xact_commit::integer AS commits FROM pg_stat_database WHERE datname = current_database()",
		);
		return rows[0].commits as number;
	};
	const before = await commits();
	await database.query("UPDATE notifications SET send_at = now() WHERE type = 'backlog'");
	await eventually("all mails", async () => {
		await new Promise((wake) => setTimeout(wake, 250));
		return all("backlog", "sent")();
	});
	// Statistics are flushed after a second.
	await new Promise((wake) => setTimeout(wake, 1500));
	const used = (await commits()) - before;
	process.stderr.write(`400 mails took ${used} commits\n`);
	expect(used).toBeLessThan(400);
});

test("the connection of a lease may break: messages go on, however old they are", async () => {
	await database.query(
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'toko notifications lease'",
	);
	await queue("after_break", 3, {}, "2026-01-01T00:00:00Z");
	await eventually("the mails", all("after_break", "sent"));
});

test("a message that no version knows waits, and holds up no other", async () => {
	const data = {
		id: randomUUID(),
		name: "order.teleported",
		occurred_at: "2026-01-01T00:00:00.000Z",
		data: {},
	};
	await queue("unknown", 1, { send_at: new Date(Date.now() + 86_400_000) });
	await database.query("UPDATE notifications SET data = $1, send_at = now() WHERE type = 'unknown'", [
		JSON.stringify(data),
	]);
	await queue("known", 3);
	await eventually("the others", all("known", "sent"));
	expect(await statuses("unknown")).toEqual(["queued"]);
	await database.query("DELETE FROM notifications WHERE type = 'unknown'");
});

test("waiting messages are listed with the reason", async () => {
	await queue("waiting", 1, { send_at: new Date(Date.now() + 60_000), tries: 3 });
	await database.query(
		`UPDATE notifications SET history = history || '[{"status": "failed", "at": "2026-01-01T00:00:00Z", "reason": "451 not now", "tries": 3}]'
		WHERE type = 'waiting'`,
	);
	expect(await callAction(shop, "v1.notifications.outbox", {}, asService())).toEqual([
		{ task: "send_email", attempts: 3, run_at: expect.any(String), last_error: "451 not now" },
	]);
	await database.query("DELETE FROM notifications WHERE type = 'waiting'");
});

test("contacts of many users come in the order in which they are asked for", async () => {
	const other = await newUser(shop);
	const of = [{ id: other.id }, { id: 2_000_000_000 }, { id: buyer.id, token_for: "verify" as const }];
	const found = await callAction(shop, "v1.users.contacts", { of }, asService());
	expect(found).toMatchObject([{ email: other.email, token: null }, null, { email: buyer.email }]);
	expect(found[2]?.token).toMatch(/^verify\./);
});

test("messages that were sent more than a year ago are deleted, and no others", async () => {
	const long_ago = new Date(Date.now() - 366 * 86_400_000);
	const sent = { status: "sent", sent_at: long_ago, created_at: long_ago };
	await queue("ancient", 2, sent);
	await queue("ancient_failed", 1, { status: "failed", created_at: long_ago });
	await database.query("UPDATE notifications SET data = NULL WHERE type = 'ancient'");
	expect(await pruneMessages(service().pool)).toBe(false);
	expect(await statuses("ancient")).toEqual([]);
	expect(await statuses("ancient_failed")).toEqual(["failed"]);
	expect(await statuses("welcome")).toContain("sent");
});
