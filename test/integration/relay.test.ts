import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect, type NatsConnection } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { type Aggregate, channelOf, streamConfig } from "../../events/envelope.ts";
import { Relay } from "../../events/relay.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { HealthServer } from "../../hosting/health-server.ts";
import { asService } from "../../middlewares/permissions.ts";
import { type OutboxService, publish } from "../../mixins/outbox.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { eventually, startNode } from "./shop.ts";
import { sequencesInStream } from "./stream.ts";

let nodes: ServiceBroker[];
let nats: NatsConnection;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	nodes = [await startNode("users"), await startNode("users")];
	nats = await connect(natsConnection(settings.natsUrl));
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await nats.close();
	await Promise.all(nodes.map((node) => node.stop()));
});

const serviceOf = (node: ServiceBroker) =>
	node.getLocalService({ name: "users", version: 1 }) as unknown as OutboxService;
const holders = () => nodes.filter((node) => serviceOf(node).relay.isHolder);
const isPublished = async (aggregate: Aggregate) => {
	const { rows } = await database.query(
		"SELECT 1 FROM outbox WHERE aggregate = $1 HAVING bool_and(published_at IS NOT NULL)",
		[aggregate],
	);
	return rows.length > 0;
};

/** Commits an event as a service does. */
async function commit(node: ServiceBroker): Promise<Aggregate> {
	const aggregate: Aggregate = `user:${randomUUID()}`;
	await serviceOf(node).transaction((client) =>
		publish(client, "user.registered", aggregate, { user_id: 1 }),
	);
	return aggregate;
}

describe("of two processes one publishes", () => {
	test("as soon as an event is committed, whichever of them commits it", async () => {
		await eventually("a relay", async () => holders().length === 1);
		for (const node of nodes) {
			const waits: number[] = [];
			for (let number = 0; number < 9; number++) {
				const begun = performance.now();
				const aggregate = await commit(node);
				await eventually("it to be published", () => isPublished(aggregate));
				waits.push(performance.now() - begun);
			}
			const median = waits.sort((a, b) => a - b)[4] as number;
			process.stderr.write(
				`commit to mark, ${serviceOf(node).relay.isHolder ? "own" : "other"} process: ${median.toFixed(0)} ms\n`,
			);
			// Well below the polling interval of two seconds.
			expect(median).toBeLessThan(1500);
		}
	});

	test("and the other takes over within seconds when that one's connection is lost", async () => {
		await eventually("a relay", async () => holders().length === 1);
		const { rows } = await database.query(
			`SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory'
			WHERE datname = current_database() AND application_name LIKE 'toko users relay%' AND granted`,
		);
		expect(rows).toHaveLength(1);
		const begun = performance.now();
		const aggregate = await commit(nodes[0] as ServiceBroker);
		await eventually("it to be published", () => isPublished(aggregate));
		expect(performance.now() - begun).toBeLessThan(15_000);
		process.stderr.write(`took over after ${(performance.now() - begun).toFixed(0)} ms\n`);
	});
});

describe("while the machine has no processor time left", () => {
	test("placed orders are published a few at a time, events about stock at once, and all once there is time", async () => {
		await Promise.all(nodes.map((node) => serviceOf(node).relay.stop()));
		const { rows } = await database.query(
			`SELECT publish('order.placed', 1, aggregate, '{}'), aggregate
			FROM (SELECT 'order:' || gen_random_uuid() AS aggregate FROM generate_series(1, 3000)) AS given`,
		);
		const aggregates = rows.map(({ aggregate }) => aggregate as Aggregate);
		const cancelled = aggregates.slice(-50);
		await database.query(
			"SELECT publish('order.cancelled', 1, aggregate, '{}') FROM unnest($1::text[]) AS aggregate",
			[cancelled],
		);
		/** Returns the number of events in each batch, and its time in milliseconds. */
		const batches = async () => {
			const { rows } = await database.query<{ events: number; at: Date }>(
				`SELECT count(*)::integer AS events, published_at AS at FROM outbox
				WHERE aggregate = ANY ($1) AND published_at IS NOT NULL GROUP BY published_at ORDER BY published_at`,
				[aggregates],
			);
			return rows.map(({ events, at }) => ({ events, at: at.getTime() }));
		};
		const largest = (all: { events: number }[]) => Math.max(...all.map(({ events }) => events));
		const machine = { isSaturated: true };
		const [node] = nodes as [ServiceBroker];
		const relay = new Relay("users", node, node.logger, undefined, machine);
		const begun = Date.now();
		relay.start();
		try {
			const few = await eventually("some batches", async () => {
				const found = await batches();
				return found.length >= 5 && found;
			});
			for (const aggregate of cancelled) {
				expect(await isPublished(aggregate)).toBe(true);
			}
			// The backlog of 3,000 is spread over ten seconds. The margin is for an estimate of what waits.
			let placed = 0;
			for (const { events, at } of few.slice(1).filter(({ at }) => at < begun + 5000)) {
				placed += events;
				expect(placed).toBeLessThan(2 * 300 * ((at - begun) / 1000));
			}
			expect(few[0]?.events).toBeGreaterThanOrEqual(2 * cancelled.length);
			machine.isSaturated = false;
			await eventually("all of them", async () => {
				const found = await batches();
				const published = found.reduce((sum, { events }) => sum + events, 0);
				return published === aggregates.length + cancelled.length && found;
			});
			expect(largest(await batches())).toBeGreaterThanOrEqual(150);
		} finally {
			await relay.stop();
			await Promise.all(nodes.map((node) => node.stop()));
			nodes = [await startNode("users"), await startNode("users")];
		}
	});
});

describe("an event that can't be published", () => {
	const insert = async (name: string, version: number, data: object) => {
		const aggregate: Aggregate = `user:${randomUUID()}`;
		await database.query("SELECT publish($1, $2::integer, $3, $4::jsonb)", [
			name,
			version,
			aggregate,
			JSON.stringify(data),
		]);
		return aggregate;
	};
	const refusalOf = async (aggregate: Aggregate) => {
		const { rows } = await database.query(
			"SELECT refusal FROM outbox WHERE aggregate = $1 ORDER BY sequence",
			[aggregate],
		);
		return rows[0]?.refusal as string | null;
	};

	test.each([
		["of a name that no contract has", "user.vanished", 1, {}, "user.vanished"],
		["of a version that no contract has", "user.registered", 77, { user_id: 1 }, "version 77"],
		[
			"that is larger than NATS takes",
			"user.registered",
			1,
			{ user_id: 1, x: "x".repeat(9_000_000) },
			"max_payload",
		],
	])(
		"%s, is put aside with the reason, and those after it go on",
		async (_what, name, version, data, reason) => {
			const wrong = await insert(name, version, data);
			await database.query("SELECT publish('user.registered', 1, $1, '{\"user_id\": 1}')", [wrong]);
			await eventually("it to be put aside", async () => (await refusalOf(wrong))?.includes(reason));
			await eventually("the one after it", async () => (await sequencesInStream(nats, wrong)).includes(2));
			expect(await callAction(nodes[0] as ServiceBroker, "v1.users.outbox", {}, asService())).toContainEqual(
				expect.objectContaining({ task: `publish ${name}`, last_error: expect.stringContaining(reason) }),
			);
			expect(await sequencesInStream(nats, wrong)).toEqual([2]);
		},
	);

	test("for an unknown reason is put aside after some failures, however many there are, and retried later", async () => {
		const manager = await nats.jetstreamManager();
		const { name, subjects } = streamConfig();
		const subject = `${settings.namespace}.${channelOf("user.registered")}`;
		await manager.streams.update(name, { subjects: [subject] });
		const { rows } = await database.query(
			`SELECT publish('user.deleted', 1, aggregate, '{"user_id": 1}'), aggregate
			FROM (SELECT 'user:' || gen_random_uuid() AS aggregate FROM generate_series(1, 450)) AS given`,
		);
		const stuck = rows.map(({ aggregate }) => aggregate);
		const count = async (condition: string) => {
			const { rowCount } = await database.query(
				`SELECT FROM outbox WHERE aggregate = ANY ($1) AND ${condition}`,
				[stuck],
			);
			return rowCount;
		};
		const behind = await insert("user.registered", 1, { user_id: 1 });
		await eventually("the one behind them", () => isPublished(behind));
		await eventually("them to be put aside", async () => {
			// Failures are attributed to an event only while others are published.
			await commit(nodes[0] as ServiceBroker);
			return (await count("refusal LIKE '%while it accepted others%'")) === stuck.length;
		});
		await manager.streams.update(name, { subjects });
		await database.query(
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'toko users relay%' AND datname = current_database()",
		);
		await eventually("them to be published", async () => (await count("published_at IS NULL")) === 0);
	});

	test("is tried again by the next relay, which may know it", async () => {
		const wrong = await insert("user.vanished", 1, { user_id: 1 });
		await eventually("it to be put aside", () => refusalOf(wrong).then(Boolean));
		await database.query("UPDATE outbox SET name = 'user.registered' WHERE aggregate = $1", [wrong]);
		await database.query(
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'toko users relay%' AND datname = current_database()",
		);
		await eventually("it to be published", () => isPublished(wrong));
		await database.query("DELETE FROM outbox WHERE refusal IS NOT NULL");
	});
});

describe("readiness", () => {
	const look = async (health: HealthServer, address: string) => {
		health.started();
		const response = await fetch(`${address}/health/ready`);
		return { status: response.status, body: await response.json() };
	};

	test("reports that events wait although NATS is available, not at once and not during an outage of NATS", async () => {
		const [node] = nodes as [ServiceBroker];
		const health = new HealthServer(node, ["users"]);
		const address = await health.listen();
		await Promise.all(nodes.map((one) => serviceOf(one).relay.stop()));
		const aggregate = await commit(node);
		expect(await look(health, address)).toMatchObject({ status: 200 });
		await database.query(
			"UPDATE outbox SET waiting_since = now() - interval '40 seconds' WHERE aggregate = $1",
			[aggregate],
		);
		const jetStream = jetStreamOf(node);
		const { connected_at } = jetStream;
		// Reconnected only a moment ago.
		jetStream.connected_at = Date.now() - 5000;
		expect(await look(health, address)).toMatchObject({ status: 200 });
		jetStream.connected_at = Date.now() - 60_000;
		// The backlog shrinks.
		await database.query("UPDATE outbox_stream SET published_at = now()");
		expect(await look(health, address)).toMatchObject({ status: 200 });
		await database.query("UPDATE outbox_stream SET published_at = now() - interval '40 seconds'");
		expect(await look(health, address)).toMatchObject({
			status: 503,
			body: {
				services: { users: "unavailable", nats: "healthy" },
				reasons: { users: expect.stringMatching(/user\.registered has waited for 4\d seconds/) },
			},
		});
		await expect(
			callAction(node, "v1.users.health", {}, { nodeID: node.nodeID, retries: 0 }),
		).rejects.toMatchObject({
			code: 503,
			type: "EVENTS_NOT_PUBLISHED",
		});
		jetStream.connected_at = undefined;
		expect(await look(health, address)).toMatchObject({ status: 200 });
		jetStream.connected_at = connected_at;
		await nodes[1]?.stop();
		nodes[1] = await startNode("users");
		await eventually("the event to leave", () => isPublished(aggregate));
		expect(await look(health, address)).toMatchObject({ status: 200 });
	});
});
