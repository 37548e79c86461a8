import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runMigrations } from "graphile-worker";
import type { ServiceBroker } from "moleculer";
import { connect, consumerOpts, type NatsConnection } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { streamConfig } from "../../events/envelope.ts";
import { unlessMissing } from "../../events/stream.ts";
import { outboxTables } from "../../mixins/outbox.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { eventually, startNode } from "./shop.ts";

const DATABASES = ["users", "orders"] as const;
const PUBLISH = "SELECT publish('user.registered', 1, $1, '{\"user_id\": 7}')";

let shop: ServiceBroker;
let nats: NatsConnection;
const clients = Object.fromEntries(
	DATABASES.map((name) => [name, new pg.Client(databaseUrl(name))]),
) as Record<(typeof DATABASES)[number], pg.Client>;

beforeAll(async () => {
	nats = await connect(natsConnection(settings.natsUrl));
	for (const name of DATABASES) {
		await makeEarlierDatabase(name);
	}
});

afterAll(async () => {
	await Promise.all(Object.values(clients).map((client) => client.end()));
	await nats.close();
	await shop?.stop();
});

/** Creates a database of the version before the table `outbox`: all migrations but that one. */
async function makeEarlierDatabase(name: (typeof DATABASES)[number]): Promise<void> {
	const server = new pg.Client(settings.postgresUrl);
	await server.connect();
	await server.query(`CREATE DATABASE "${settings.namespace}_${name}"`);
	await server.end();
	await runMigrations({ connectionString: databaseUrl(name) });
	const client = clients[name];
	await client.connect();
	await client.query("CREATE TABLE migrations (name text PRIMARY KEY, run_at timestamptz DEFAULT now())");
	const folder = new URL(`../../services/${name}/migrations/`, import.meta.url);
	const files = (await readdir(folder)).sort().map((file) => new URL(file, folder));
	for (const file of [...files, outboxTables[0] as URL]) {
		await client.query(await readFile(file, "utf8"));
		await client.query("INSERT INTO migrations (name) VALUES ($1)", [file.pathname.split("/").at(-1)]);
	}
	await client.query(await readFile(new URL("earlier-publish.sql", import.meta.url), "utf8"));
}

async function jobsOf(client: pg.Client): Promise<EventEnvelope[]> {
	const { rows } = await client.query(
		`SELECT j.payload FROM graphile_worker._private_jobs j JOIN graphile_worker._private_tasks t ON t.id = j.task_id
		WHERE t.identifier = 'publish_event' ORDER BY j.id`,
	);
	return rows.map(({ payload }) => payload);
}

/** Returns all events in the stream, in order. */
async function inStream(): Promise<EventEnvelope[]> {
	const options = consumerOpts();
	options.orderedConsumer();
	const subscription = await nats.jetstream().subscribe(`${settings.namespace}.events.>`, options);
	const found: EventEnvelope[] = [];
	for await (const message of subscription) {
		found.push(message.json());
		if (message.info.pending === 0) {
			break;
		}
	}
	subscription.unsubscribe();
	return found;
}

test("events that wait as jobs of the version before are published once, in their order, as they were", async () => {
	const waiting: EventEnvelope[] = [];
	for (const [name, client] of Object.entries(clients)) {
		for (const aggregate of [`user:${name}-1`, `user:${name}-2`, `user:${name}-1`]) {
			await client.query(PUBLISH, [aggregate]);
		}
		// One job locked by a process, and one that has failed.
		await client.query(
			"UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'an earlier process' WHERE key = $1",
			[`event:user:${name}-1#1`],
		);
		await client.query(
			"UPDATE graphile_worker._private_jobs SET attempts = 5, run_at = now() + interval '1 day' WHERE key = $1",
			[`event:user:${name}-1#2`],
		);
		waiting.push(...(await jobsOf(client)));
	}
	expect(waiting).toHaveLength(6);
	shop = await startNode("users", "products", "orders");
	await eventually("all events", async () => {
		const { streams } = await nats.jetstreamManager();
		const info = await unlessMissing(streams.info(streamConfig().name));
		return (info?.state.messages ?? 0) >= 6;
	});
	const found = await inStream();
	const byId = (one: EventEnvelope, other: EventEnvelope) => one.id.localeCompare(other.id);
	expect([...found].sort(byId)).toEqual([...waiting].sort(byId));
	expect(
		found.filter(({ aggregate }) => aggregate === "user:orders-1").map(({ sequence }) => sequence),
	).toEqual([1, 2]);
	for (const client of Object.values(clients)) {
		expect(await jobsOf(client)).toEqual([]);
	}
});

test("an event that a process of the version before commits as a job beside the new one is published once", async () => {
	const client = clients.users;
	const aggregate = "user:beside";
	// Does the same as its function that began before the migration.
	await client.query(
		`WITH place AS (INSERT INTO event_sequences VALUES ($1, 1))
		SELECT graphile_worker.add_job('publish_event', json_build_object(
			'id', md5($1 || '#1')::uuid, 'name', 'user.registered', 'version', 1, 'aggregate', $1::text, 'sequence', 1,
			'data', '{"user_id": 7}'::json, 'occurred_at', '2026-11-25T10:00:00.000Z'
		), max_attempts => 32767, job_key => 'event:' || $1 || '#1')`,
		[aggregate],
	);
	// Publishes the next event with the new function.
	await client.query(PUBLISH, [aggregate]);
	await eventually("both events", async () => {
		const found = (await inStream()).filter((event) => event.aggregate === aggregate);
		return found.length >= 2;
	});
	const found = (await inStream()).filter((event) => event.aggregate === aggregate);
	expect(found.map(({ sequence }) => sequence).sort()).toEqual([1, 2]);
	expect(found.find(({ sequence }) => sequence === 1)?.occurred_at).toBe("2026-11-25T10:00:00.000Z");
	await eventually("the job to be gone", async () => (await jobsOf(client)).length === 0);
});
