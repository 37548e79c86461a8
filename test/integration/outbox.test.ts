import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect, type NatsConnection } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { type Aggregate, streamConfig } from "../../events/envelope.ts";
import { publish } from "../../mixins/outbox.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { eventually, startNode } from "./shop.ts";
import { sequencesInStream } from "./stream.ts";

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

const inStream = (aggregate: Aggregate) => sequencesInStream(nats, aggregate);

async function commit(aggregate: Aggregate, client: pg.Client = database) {
	await client.query("BEGIN");
	await publish(client, "user.registered", aggregate, { user_id: 1 });
	await client.query("COMMIT");
}

const left = async (aggregate: Aggregate) => {
	const { rows } = await database.query(
		"SELECT count(*)::integer AS events FROM outbox WHERE aggregate = $1 AND published_at IS NULL",
		[aggregate],
	);
	return rows[0].events as number;
};

test("the stream has the events of an aggregate in the order of their commits, even those that had to wait", async () => {
	const aggregate: Aggregate = `user:${randomUUID()}`;
	await shop.stop();
	for (let sequence = 1; sequence <= 5; sequence++) {
		await commit(aggregate);
		await commit(`user:${randomUUID()}`);
	}
	// Like an event that an earlier version left as a job.
	await database.query("UPDATE outbox SET position = DEFAULT WHERE aggregate = $1 AND sequence = 1", [
		aggregate,
	]);
	shop = await startNode("users");
	await eventually("an empty outbox", async () => (await left(aggregate)) === 0);
	expect(await inStream(aggregate)).toEqual([1, 2, 3, 4, 5]);
});

test("events of an aggregate that are committed at the same moment are numbered without a gap", async () => {
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

test("an event of a transaction that commits late is not passed over by those after it", async () => {
	const [early, late]: Aggregate[] = [`user:${randomUUID()}`, `user:${randomUUID()}`];
	const slow = new pg.Client(databaseUrl("users"));
	await slow.connect();
	await slow.query("BEGIN");
	await publish(slow, "user.registered", late as Aggregate, { user_id: 1 });
	for (let sequence = 1; sequence <= 3; sequence++) {
		await commit(early as Aggregate);
	}
	await eventually("the others", async () => (await inStream(early as Aggregate)).length === 3);
	expect(await inStream(late as Aggregate)).toEqual([]);
	await slow.query("COMMIT");
	await slow.end();
	await eventually("the late one", async () => (await inStream(late as Aggregate)).length === 1);
});

test("an event whose relay dies before recording its publication is published again, as the same message", async () => {
	const aggregate: Aggregate = `user:${randomUUID()}`;
	// The relay's session terminates when it marks an event as published.
	await database.query(
		`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';
		CREATE TRIGGER die BEFORE UPDATE OF published_at ON outbox FOR EACH ROW EXECUTE FUNCTION die()`,
	);
	try {
		await commit(aggregate);
		await eventually("the event", async () => (await inStream(aggregate)).length === 1);
		expect(await left(aggregate)).toBe(1);
	} finally {
		await database.query("DROP FUNCTION die CASCADE");
	}
	await eventually("the mark", async () => (await left(aggregate)) === 0);
	expect(await inStream(aggregate)).toEqual([1]);
});

test("events are still published if an operator has changed the stream", async () => {
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

test("events are pruned some days after they were published, where all consumers have them; else when the stream does", async () => {
	const ages = [
		...["6 days", "8 days"].map((age) => ({ age, isConfirmed: true })),
		...["8 days", "31 days"].map((age) => ({ age, isConfirmed: false })),
	].map((one) => ({ ...one, aggregate: `user:${randomUUID()}` as Aggregate }));
	for (const { aggregate, age, isConfirmed } of ages) {
		await commit(aggregate);
		await eventually("it to be published", async () => (await left(aggregate)) === 0);
		await database.query(
			`UPDATE outbox SET occurred_at = now() - interval '40 days', published_at = now() - $2::interval,
				stream_sequence = $3 WHERE aggregate = $1`,
			[aggregate, age, isConfirmed ? 5 : 7],
		);
	}
	await shop.stop();
	await database.query("UPDATE outbox_stream SET confirmed_sequence = 6");
	shop = await startNode("users");
	const kept = async () => {
		const { rows } = await database.query(
			"SELECT aggregate FROM outbox WHERE aggregate = ANY ($1) ORDER BY position",
			[ages.map(({ aggregate }) => aggregate)],
		);
		return rows.map(({ aggregate }) => aggregate);
	};
	await eventually("the old ones to go", async () => (await kept()).length < 3);
	expect(await kept()).toEqual([ages[0]?.aggregate, ages[2]?.aggregate]);
});
