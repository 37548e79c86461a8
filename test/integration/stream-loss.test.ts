import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect, type JetStreamManager, type NatsConnection } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { streamConfig } from "../../events/envelope.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { eventually, newUser, type Person, startNode } from "./shop.ts";

// No process is restarted in any of these tests.

let shop: ServiceBroker;
let mails: ServiceBroker[];
let nats: NatsConnection;
let manager: JetStreamManager;
const users = new pg.Client(databaseUrl("users"));
const notifications = new pg.Client(databaseUrl("notifications"));
const { name } = streamConfig();

beforeAll(async () => {
	shop = await startNode("users");
	mails = [await startNode("notifications"), await startNode("notifications")];
	nats = await connect(natsConnection(settings.natsUrl));
	manager = await nats.jetstreamManager();
	await Promise.all([users.connect(), notifications.connect()]);
	await shop.waitForServices({ name: "notifications", version: 1 });
});

afterAll(async () => {
	await Promise.all([users.end(), notifications.end()]);
	await nats.close();
	await Promise.all([shop, ...mails].map((node) => node.stop()));
});

/** All users; each gets a welcome mail. */
const people: Person[] = [];

beforeEach(async () => {
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
});

async function everybodyIsWelcomedOnce(): Promise<void> {
	const welcomes = async () => {
		const { rows } = await notifications.query(
			"SELECT user_id, count(*)::integer AS mails FROM notifications WHERE type = 'welcome' AND status = 'sent' GROUP BY user_id",
		);
		return new Map(rows.map(({ user_id, mails }) => [user_id, mails]));
	};
	await eventually("a welcome for everybody", async () => {
		const found = await welcomes();
		return people.every(({ id }) => found.has(id));
	});
	expect(new Set((await welcomes()).values())).toEqual(new Set([1]));
}

async function allPublished(): Promise<void> {
	await eventually("an empty outbox", async () => {
		const { rowCount } = await users.query("SELECT 1 FROM outbox WHERE published_at IS NULL");
		return rowCount === 0;
	});
}

async function consumerIsThere(): Promise<void> {
	await eventually("a consumer", () =>
		manager.consumers.info(name, "notifications").then(
			() => true,
			() => false,
		),
	);
}

test("a deleted consumer is recreated, even while events arrive", async () => {
	await manager.consumers.delete(name, "notifications");
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
});

test("a deleted stream is recreated with its consumer, and events continue", async () => {
	await manager.streams.delete(name);
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
	await consumerIsThere();
});

test("events that were published and not taken when the stream was deleted are sent again", async () => {
	// Like a consumer slower than the shop: its messages stay in the stream.
	const { config } = await manager.consumers.info(name, "notifications");
	await manager.consumers.delete(name, "notifications");
	people.push(await newUser(shop));
	const gone = await newUser(shop);
	await gone.call("v1.users.remove", { id: gone.id });
	await allPublished();
	await manager.streams.delete(name);
	expect(config.durable_name).toBe("notifications");
	await everybodyIsWelcomedOnce();
	await eventually("the deletion to arrive", async () => {
		const { rows } = await notifications.query("SELECT sequence FROM inbox WHERE aggregate = $1", [
			`user:${gone.id}`,
		]);
		return rows[0]?.sequence === 2;
	});
});

test("events that a restored stream lacks are sent again, although its time and numbers are those of before", async () => {
	// Messages missing from an older backup: the newest ones, which are not acknowledged.
	await notifications.query("BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE");
	people.push(await newUser(shop));
	await allPublished();
	const { state } = await manager.streams.info(name);
	const taken = await manager.streams.getMessage(name, { seq: state.last_seq });
	expect(taken.header.get("Nats-Msg-Id")).not.toBe("");
	await manager.streams.deleteMessage(name, state.last_seq);
	await eventually("it to be sent again", async () => {
		const { rows } = await users.query(
			"SELECT 1 FROM outbox WHERE repeats > 0 AND published_at IS NOT NULL AND aggregate = $1",
			[`user:${people.at(-1)?.id}`],
		);
		return rows.length > 0;
	});
	await notifications.query("ROLLBACK");
	await everybodyIsWelcomedOnce();
});

test("what consumers have confirmed is not sent again", async () => {
	await eventually("the relay to know", async () => {
		const { rows } = await users.query("SELECT confirmed_sequence = last_sequence AS all FROM outbox_stream");
		return rows[0]?.all;
	});
	const sent = async () => {
		const { rows } = await users.query("SELECT coalesce(sum(repeats), 0)::integer AS repeats FROM outbox");
		return rows[0].repeats as number;
	};
	const before = await sent();
	const { created } = await manager.streams.info(name);
	await manager.streams.delete(name);
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
	await eventually("another stream to be noted", async () => {
		const { rows } = await users.query("SELECT created FROM outbox_stream");
		return rows[0]?.created !== created;
	});
	expect((await sent()) - before).toBeLessThanOrEqual(1);
});

test("an acknowledgement in flight to the old stream acknowledges nothing of the new one", async () => {
	const { state } = await manager.streams.info(name);
	await manager.streams.delete(name);
	await consumerIsThere();
	people.push(await newUser(shop));
	await everybodyIsWelcomedOnce();
	expect((await manager.streams.info(name)).state.first_seq).toBeGreaterThan(state.last_seq);
	expect(await callAction(shop, "v1.notifications.deadLetters", {}, asService())).toEqual([]);
});
