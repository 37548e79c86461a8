import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect, consumerOpts, type NatsConnection } from "nats";
import pg from "pg";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { type Aggregate, streamConfig } from "../../mixins/events.ts";
import { publish } from "../../mixins/outbox.ts";
import { databaseUrl, settings } from "../../mixins/settings.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { eventually, startNode } from "./shop.ts";

let shop: ServiceBroker;
let nats: NatsConnection;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	shop = await startNode("users");
	nats = await connect(natsConnection(settings.natsUrl));
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await nats.close();
	await shop.stop();
});

/** The sequence numbers of the events of an aggregate, as the stream has them. */
async function inStream(aggregate: Aggregate): Promise<number[]> {
	const manager = await nats.jetstreamManager();
	const stream = await manager.streams.info(streamConfig().name).catch(() => undefined);
	// The first event makes the stream.
	if (!stream?.state.messages) {
		return [];
	}
	const options = consumerOpts();
	options.orderedConsumer();
	const found: number[] = [];
	const subscription = await nats.jetstream().subscribe(`${settings.namespace}.events.>`, options);
	for await (const message of subscription) {
		const event = message.json<EventEnvelope>();
		if (event.aggregate === aggregate) {
			found.push(event.sequence);
		}
		if (message.info.pending === 0) {
			break;
		}
	}
	subscription.unsubscribe();
	return found;
}

async function commit(aggregate: Aggregate, run_at = "now()") {
	await database.query("BEGIN");
	await publish(database, "user.registered", aggregate, { user_id: 1 });
	await database.query(
		`SELECT graphile_worker.reschedule_jobs(array_agg(id), ${run_at})
		FROM graphile_worker.jobs WHERE key LIKE 'event:' || $1 || '#%' AND locked_at IS NULL AND attempts = 0 AND run_at <= now()`,
		[aggregate],
	);
	await database.query("COMMIT");
}

const left = async (aggregate: Aggregate) => {
	const { rows } = await database.query(
		"SELECT count(*)::integer AS jobs FROM graphile_worker.jobs WHERE key LIKE 'event:' || $1 || '#%'",
		[aggregate],
	);
	return rows[0].jobs as number;
};

test("the stream has the events of one thing in the order of their commits, though earlier ones wait for another try", async () => {
	const aggregate: Aggregate = `user:${randomUUID()}`;
	for (let sequence = 1; sequence <= 4; sequence++) {
		await commit(aggregate, "now() + interval '1 hour'");
	}
	await commit(aggregate);
	await eventually("the last event", async () => (await inStream(aggregate)).includes(5));
	expect(await inStream(aggregate)).toEqual([1, 2, 3, 4, 5]);
	await database.query(
		"SELECT graphile_worker.reschedule_jobs(array_agg(id), now()) FROM graphile_worker.jobs WHERE key LIKE 'event:' || $1 || '#%'",
		[aggregate],
	);
	await eventually("an empty outbox", async () => (await left(aggregate)) === 0);
	expect(await inStream(aggregate)).toEqual([1, 2, 3, 4, 5]);
});

test("events of one thing that are committed at the same moment are numbered without a gap", async () => {
	const aggregate: Aggregate = `user:${randomUUID()}`;
	const clients = Array.from({ length: 8 }, () => new pg.Client(databaseUrl("users")));
	await Promise.all(
		clients.map(async (client, number) => {
			await client.connect();
			await client.query("BEGIN");
			await publish(client, "user.registered", aggregate, { user_id: number + 1 });
			await client.query(number % 4 === 0 ? "ROLLBACK" : "COMMIT");
			await client.end();
		}),
	);
	await eventually("all events", async () => (await inStream(aggregate)).length === 6);
	expect(await inStream(aggregate)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("events still leave where an operator has changed the stream", async () => {
	const manager = await nats.jetstreamManager();
	const { config } = await manager.streams.info(streamConfig().name);
	const hours_ns = 3600 * 1_000_000_000;
	await manager.streams.update(config.name, { max_age: 48 * hours_ns });
	await shop.stop();
	shop = await startNode("users");
	const aggregate: Aggregate = `user:${randomUUID()}`;
	await commit(aggregate);
	await eventually("the event", async () => (await inStream(aggregate)).includes(1));
	expect((await manager.streams.info(config.name)).config.max_age).toBe(48 * hours_ns);
	await manager.streams.update(config.name, { max_age: config.max_age });
});
