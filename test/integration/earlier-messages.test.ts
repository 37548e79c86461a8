import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runMigrations } from "graphile-worker";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { inboxTables } from "../../mixins/inbox.ts";
import { eventually, newUser, type Person, startNode } from "./shop.ts";

// A notifications database of the version before 006-queue.sql, in which jobs send the messages.

const FIRST_NEW = "006-queue.sql";

let users: ServiceBroker;
let notifications: ServiceBroker | undefined;
const database = new pg.Client(databaseUrl("notifications"));

beforeAll(async () => {
	users = await startNode("users");
	const server = new pg.Client(settings.postgresUrl);
	await server.connect();
	await server.query(`CREATE DATABASE "${settings.namespace}_notifications"`);
	await server.end();
	await runMigrations({ connectionString: databaseUrl("notifications") });
	await database.connect();
	await database.query("CREATE TABLE migrations (name text PRIMARY KEY, run_at timestamptz DEFAULT now())");
	const folder = new URL("../../services/notifications/migrations/", import.meta.url);
	const files = (await readdir(folder)).filter((file) => file < FIRST_NEW).sort();
	for (const file of [...files.map((name) => new URL(name, folder)), inboxTables[0] as URL]) {
		await database.query(await readFile(file, "utf8"));
		await database.query("INSERT INTO migrations (name) VALUES ($1)", [file.pathname.split("/").at(-1)]);
	}
});

afterAll(async () => {
	await database.end();
	await notifications?.stop();
	await users.stop();
});

const paid = (person: Person) => ({
	...{ id: randomUUID(), name: "order.paid", version: 1, aggregate: `order:${randomUUID()}`, sequence: 1 },
	occurred_at: new Date().toISOString(),
	data: {
		...{ order_id: randomUUID(), number: "TK-000007", user_id: person.id },
		...{ total_minor: 1000, currency: "IDR" },
	},
});

/** Records the mail of an event in the same way as the previous version. */
async function queueMail(event: ReturnType<typeof paid>): Promise<string> {
	const { rows } = await database.query(
		`WITH noted AS (
			INSERT INTO notifications (id, event_id, user_id, type, channel, aggregate, data, history)
			VALUES (
				md5($1 || ' ' || $3 || ' ' || $6)::uuid, $1::uuid, $2, $3, $6, $4, $5,
				jsonb_build_array(jsonb_build_object('status', 'queued', 'at', now()))
			)
			ON CONFLICT DO NOTHING RETURNING id, channel
		), added AS (
			SELECT graphile_worker.add_job(
				'send_' || channel, json_build_object('id', id), max_attempts => 32767, job_key => 'send:' || id
			) FROM noted
		) SELECT id FROM noted, (SELECT count(*) FROM added) AS done`,
		[event.id, event.data.user_id, "order_paid", event.aggregate, JSON.stringify(event), "email"],
	);
	return rows[0].id;
}

/** Adds the job by which the previous version checks for a phone number for a text message. */
async function askForText(event: ReturnType<typeof paid>): Promise<void> {
	await database.query(
		"SELECT graphile_worker.add_job('queue_text', $1, max_attempts => 32767, job_key => 'text:' || $2)",
		[JSON.stringify({ event, type: "order_paid" }), event.id],
	);
}

async function jobs(): Promise<string[]> {
	const { rows } = await database.query("SELECT task_identifier AS task FROM graphile_worker.jobs");
	return rows.map(({ task }) => task);
}

/** Returns the messages of an event, each with channel, status and number of sends. */
async function messagesOf({ id }: { id: string }): Promise<string[]> {
	const { rows } = await database.query(
		`SELECT channel || ' ' || status || ' ' ||
			jsonb_array_length(jsonb_path_query_array(history, '$[*] ? (@.status == "sent")')) AS message
		FROM notifications WHERE event_id = $1 ORDER BY 1`,
		[id],
	);
	return rows.map(({ message }) => message);
}

async function withPhone(): Promise<Person> {
	const person = await newUser(users);
	await person.call("v1.users.updateMe", { phone: "+6281234567890" });
	return person;
}

test("messages that wait as jobs of the version before are sent once, and the jobs are gone", async () => {
	const [one, two] = [await withPhone(), await newUser(users)];
	const [waiting, failed, begun, without] = [paid(one), paid(one), paid(one), paid(two)];
	await queueMail(waiting);
	await askForText(waiting);
	await queueMail(without);
	await askForText(without);
	const failed_id = await queueMail(failed);
	await database.query(
		"UPDATE graphile_worker._private_jobs SET attempts = 5, run_at = now() + interval '4 seconds', last_error = 'no' WHERE key = $1",
		[`send:${failed_id}`],
	);
	const begun_id = await queueMail(begun);
	await database.query(
		"UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'an earlier process' WHERE key = $1",
		[`send:${begun_id}`],
	);

	notifications = await startNode("notifications");
	// Not while the others are waited for.
	await database.query("UPDATE notifications SET send_at = send_at + interval '1 hour' WHERE id = $1", [
		begun_id,
	]);
	await eventually("all messages", async () => {
		const found = await Promise.all([waiting, without, failed].map(messagesOf));
		return found.flat().length >= 4 && found.flat().every((message) => message.includes("sent"));
	});
	expect(await messagesOf(waiting)).toEqual(["email sent 1", "sms sent 1"]);
	expect(await messagesOf(without)).toEqual(["email sent 1"]);
	expect(await messagesOf(failed)).toEqual(["email sent 1"]);
	expect(await jobs()).toEqual([]);
	// The earlier process may be about to mark it as sent; otherwise it is sent a minute after the migration.
	expect(await messagesOf(begun)).toEqual(["email queued 0"]);
	await database.query("UPDATE notifications SET send_at = send_at - interval '61 minutes' WHERE id = $1", [
		begun_id,
	]);
	await eventually("the mail", async () => (await messagesOf(begun))[0] === "email sent 1");
});

test("what a process of the version before queues beside the new one is sent once, by the new one", async () => {
	const [one, two] = [await withPhone(), await newUser(users)];
	const [first, second] = [paid(one), paid(two)];
	for (const event of [first, second]) {
		await queueMail(event);
		await askForText(event);
	}
	expect(await jobs()).toEqual([]);
	await eventually("the messages", async () => {
		const found = await messagesOf(first);
		return found.length === 2 && found.every((message) => message.includes("sent"));
	});
	expect(await messagesOf(first)).toEqual(["email sent 1", "sms sent 1"]);
	await eventually("the mail", async () => (await messagesOf(second)).join() === "email sent 1");
});
