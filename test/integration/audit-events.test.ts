import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Service } from "moleculer";
import { settings } from "../../config/settings.ts";
import { eventId } from "../../events/envelope.ts";
import { addService } from "../../hosting/services.ts";
import { pruneMailRequests } from "../../services/users/prune.ts";
import { AuditedShop, type Breach, type Made, testBreaches } from "./audited-shop.ts";
import { eventually, newUser } from "./shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

const place = ({ id }: Made, sequence: number) =>
	`UPDATE inbox SET sequence = ${sequence} WHERE aggregate = 'order:${id}'`;

/** Runs a function while notifications is stopped, so that events stay in the stream. */
async function withoutNotifications(work: () => Promise<void>): Promise<void> {
	await shop.broker.destroyService(
		shop.broker.getLocalService({ name: "notifications", version: 1 }) as Service,
	);
	await work();
	await addService(shop.broker, "notifications");
	await shop.rest();
}

/** Publishes an event that came from no outbox, and audits. */
async function breachesWith(event: object): Promise<string[]> {
	const { nats } = shop.sources;
	const subject = `${settings.namespace}.events.order.paid`;
	const { seq } = await nats.jetstream().publish(subject, JSON.stringify(event));
	const found = await shop.breaches();
	await (await nats.jetstreamManager()).streams.deleteMessage(`${settings.namespace}_events`, seq);
	return found;
}

describe("the audit names an event", () => {
	testBreaches(
		() => shop,
		[
			[
				"that nobody took in",
				"notifications",
				({ orders }) => place(orders.paid, 1),
				({ orders: { paid } }) => [`order ${paid.number} event 1 of 2 was the last one processed`],
			],
			[
				"that was passed over",
				"notifications",
				({ orders }) => `INSERT INTO inbox_gaps VALUES ('order:${orders.shipped.id}', 2)`,
				({ orders: { shipped } }) => [
					`order ${shipped.number} event 2 of 3 was skipped and has not arrived since`,
				],
			],
			[
				"that was taken in and never published",
				"notifications",
				({ orders }) => place(orders.paid, 5),
				({ orders: { paid } }) => [`order ${paid.number} event 5 was processed, but 2 were published`],
			],
			[
				"that happened and was not published",
				"orders",
				({ orders }) => `UPDATE event_sequences SET sequence = 1 WHERE aggregate = 'order:${orders.paid.id}'`,
				({ orders: { paid } }) => [
					`order ${paid.number} 1 of 2 events were published`,
					`order ${paid.number} event 2 was processed, but 1 were published`,
					`is order.paid, event 2 of order:${paid.id}, which published only 1`,
				],
			],
			[
				"of a user that was not published",
				"users",
				({ buyer }) => `INSERT INTO user_history VALUES (${buyer.id}, 'user.password_changed')`,
				({ buyer }) => [
					`user ${buyer.id} 1 of 2 events were published`,
					`user ${buyer.id} has no message for user.password_changed`,
				],
			],
			...[2_147_483_647, 1_000_000_000].map(
				(sequence): Breach => [
					`with the number ${sequence}`,
					"orders",
					({ orders }) =>
						`UPDATE event_sequences SET sequence = ${sequence} WHERE aggregate = 'order:${orders.paid.id}'`,
					({ orders: { paid } }) => [
						`order ${paid.number} ${sequence} of 2 events were published`,
						`order ${paid.number} event 2 of ${sequence} was the last one processed`,
					],
				],
			),
			[
				"that is a dead letter",
				"notifications",
				() =>
					"INSERT INTO dead_letters VALUES (gen_random_uuid(), 'order.paid', '{}', 'no such thing', '', 6)",
				() => ["order.paid could not be processed: no such thing"],
			],
		],
	);

	test("that is lost, while others wait in the stream", async () => {
		const { paid } = shop.orders;
		await withoutNotifications(async () => {
			await newUser(shop.broker);
			await eventually("an unread event", async () => (await shop.sources.consumer()).unread > 0);
			expect(await shop.breaches()).toEqual([]);
			await shop.damage("notifications", place(paid, 1));
			expect(await shop.breaches()).toEqual([`order ${paid.number} event 1 of 2 was the last one processed`]);
			await shop.damage("notifications", place(paid, 2));
		});
		await shop.save();
	});

	test("in the stream that its outbox never contained", async () => {
		const aggregate = `order:${shop.orders.pending.id}`;
		const forged = { id: "00000000-0000-4000-8000-000000000001", name: "order.paid", version: 1, data: {} };
		await withoutNotifications(async () => {
			expect(await breachesWith({ ...forged, aggregate, sequence: 2 })).toEqual([
				expect.stringContaining(`is order.paid, event 2 of ${aggregate}, which published only 1`),
			]);
			expect(await breachesWith({ ...forged, aggregate, sequence: 1 })).toEqual([
				expect.stringContaining("with an id that does not match its event 1"),
			]);
			expect(await breachesWith({ ...forged, aggregate: "ghost:1", sequence: 1 })).toEqual([
				expect.stringContaining("has an unknown aggregate"),
			]);
			expect(await breachesWith({})).toEqual([expect.stringContaining("has an unknown aggregate")]);
			expect(await shop.breaches()).toEqual([]);
		});
	});
});

test("the audit accepts events of a service that was removed", async () => {
	const aggregate = "wish:7";
	const left = {
		id: eventId(aggregate, 1),
		name: "wish.added",
		version: 1,
		aggregate,
		sequence: 1,
		data: {},
	};
	await withoutNotifications(async () => {
		expect(await breachesWith(left)).toEqual([]);
		expect(await breachesWith({ ...left, sequence: 2 })).toEqual([
			expect.stringContaining("has an unknown aggregate"),
		]);
	});
	await shop.damage("notifications", `INSERT INTO inbox VALUES ('${aggregate}', 1)`);
	expect(await shop.breaches()).toEqual([]);
	await shop.damage("notifications", `DELETE FROM inbox WHERE aggregate = '${aggregate}'`);
});

describe("the audit reports nothing about data that was pruned by age:", () => {
	/** Makes an order appear older by this number of days. */
	const age = ({ id }: Made, days: number) =>
		`UPDATE order_history SET at = at - interval '${days} days' WHERE order_id = '${id}';
		UPDATE orders SET created_at = created_at - interval '${days} days' WHERE id = '${id}'`;

	test("the place of an order of half a year ago, and a gap of it; its messages have to be there", async () => {
		const { cancelled } = shop.orders;
		const aggregate = `order:${cancelled.id}`;
		await shop.damage("notifications", `DELETE FROM inbox WHERE aggregate = '${aggregate}'`);
		expect(await shop.breaches()).toEqual([
			expect.stringContaining("event 0 of 2 was the last one processed"),
		]);
		await shop.damage("orders", age(cancelled, 181));
		expect(await shop.breaches()).toEqual([]);
		// An even later event arrived and skipped the others.
		await shop.damage(
			"notifications",
			`INSERT INTO inbox VALUES ('${aggregate}', 2); INSERT INTO inbox_gaps VALUES ('${aggregate}', 1)`,
		);
		expect(await shop.breaches()).toEqual([]);
		await shop.damage("notifications", `DELETE FROM notifications WHERE aggregate = '${aggregate}'`);
		expect(await shop.breaches()).toEqual([
			`order ${cancelled.number} has no message for order.placed`,
			`order ${cancelled.number} has no message for order.cancelled`,
		]);
		await shop.restore();
	});

	test("the messages of an order of more than a year ago", async () => {
		const { cancelled } = shop.orders;
		await shop.damage("orders", age(cancelled, 366));
		expect(await shop.breaches()).toEqual([]);
		await shop.damage(
			"notifications",
			`DELETE FROM notifications WHERE aggregate = 'order:${cancelled.id}';
			DELETE FROM inbox WHERE aggregate = 'order:${cancelled.id}'`,
		);
		expect(await shop.breaches()).toEqual([]);
		await shop.restore();
	});
});

test("the audit accounts for mails requested so long ago that only their number is known", async () => {
	const { buyer } = shop;
	const more = `UPDATE %s SET sequence = sequence + 3 WHERE aggregate = 'user:${buyer.id}'`;
	await shop.damage(
		"users",
		`INSERT INTO user_history SELECT ${buyer.id}, 'user.password_reset_requested', now() - interval '366 days'
		FROM generate_series(1, 3);
		${more.replace("%s", "event_sequences")}`,
	);
	await shop.damage("notifications", more.replace("%s", "inbox"));
	expect(await shop.breaches()).toEqual([]);
	const query = async (text: string) => ({ rows: await shop.sql("users", text) });
	for (let round = 0; round < 2; round++) {
		expect(await pruneMailRequests({ query } as never)).toBe(false);
		expect(await shop.sql("users", "SELECT * FROM user_history_counts")).toEqual([
			{ user_id: buyer.id, event: "user.password_reset_requested", pruned: 3 },
		]);
		expect(await shop.breaches()).toEqual([]);
	}
	await shop.damage("users", "UPDATE user_history_counts SET pruned = 2");
	expect(await shop.breaches()).toEqual([`user ${buyer.id} 4 of 3 events were published`]);
	await shop.restore();
});

/** Replaces an event in the stream with modified copies of it, and audits. */
async function breachesOf(aggregate: string, name: string, changes: ((event: Anything) => unknown)[]) {
	const { nats } = shop.sources;
	const stream = `${settings.namespace}_events`;
	const manager = await nats.jetstreamManager();
	const { state } = await manager.streams.info(stream);
	const published: number[] = [];
	for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
		const message = await manager.streams.getMessage(stream, { seq }).catch(() => undefined);
		const event = message?.json<Anything>();
		if (event?.aggregate === aggregate && event.name === name) {
			for (const change of changes) {
				const changed = structuredClone(event);
				const text = change(changed);
				const body = typeof text === "string" ? text : JSON.stringify(changed);
				const { subject } = message as { subject: string };
				published.push((await nats.jetstream().publish(subject, body)).seq);
			}
		}
	}
	const found = await shop.breaches();
	for (const seq of published) {
		await manager.streams.deleteMessage(stream, seq);
	}
	return found;
}

// biome-ignore lint/suspicious/noExplicitAny: it is made into anything.
type Anything = any;

test("the audit names each event in the stream that matches no contract", async () => {
	const { pending } = shop.orders;
	await withoutNotifications(async () => {
		const changes = [
			(event: Anything) => Object.assign(event, { sequence: "abc" }),
			(event: Anything) => Object.assign(event, { sequence: {} }),
			(event: Anything) => JSON.stringify(event).replace('"sequence":1', '"sequence":1e400'),
			(event: Anything) => Object.assign(event, { aggregate: `${event.aggregate}\0` }),
			(event: Anything) => Object.assign(event, { name: "a\0" }),
			(event: Anything) => Object.assign(event, { name: "order.none" }),
			(event: Anything) => Object.assign(event, { version: 99 }),
			(event: Anything) => Object.assign(event, { data: null }),
			(event: Anything) => Object.assign(event.data, { note: "a\0" }),
			(event: Anything) => JSON.stringify(event).replace('"number":"', '"number":"\\ud800'),
			(event: Anything) => Object.assign(event.data, { items: null }),
			(event: Anything) => Object.assign(event.data, { items: "x" }),
			(event: Anything) => Object.assign(event.data, { items: {} }),
			(event: Anything) => delete event.data.items,
			(event: Anything) => delete event.data.user_id,
			(event: Anything) => Object.assign(event.data, { total_minor: null }),
		];
		const found = await breachesOf(`order:${pending.id}`, "order.placed", changes);
		expect(found).toHaveLength(changes.length);
		const ofThem = [...found.filter((line) => /^event at \d+ of the stream|^order TK/.test(line))];
		expect(ofThem).toHaveLength(changes.length);
	});
});

test("the audit names each event in the stream that contradicts the history", async () => {
	const { paid, shipped } = shop.orders;
	await withoutNotifications(async () => {
		const other = "00000000-0000-4000-8000-000000000000";
		expect(
			await breachesOf(`order:${paid.id}`, "order.paid", [
				(event) => Object.assign(event, { name: "order.shipped" }),
				(event) => Object.assign(event.data, { order_id: other }),
				(event) => Object.assign(event.data, { total_minor: 1 }),
			]),
		).toEqual([
			`order ${paid.number} published order.shipped as event 2, which contradicts its history`,
			`order ${paid.number} is order ${other} in order.paid`,
			`order ${paid.number} has a total of 30000, but 1 in order.paid`,
		]);
		expect(
			await breachesOf(`order:${shipped.id}`, "order.shipped", [
				(event) => Object.assign(event, { name: "order.paid" }),
			]),
		).toEqual([`order ${shipped.number} published order.paid as event 3, which contradicts its history`]);
		expect(
			await breachesOf(`user:${shop.buyer.id}`, "user.registered", [
				(event) => Object.assign(event, { name: "user.deleted" }),
				(event) => Object.assign(event.data, { user_id: 7 }),
			]),
		).toEqual([
			`user ${shop.buyer.id} published user.deleted as event 1, which contradicts its history`,
			`user ${shop.buyer.id} is user 7 in user.registered`,
		]);
	});
});

test("the audit compares the owner of an order, some of whose events are lost", async () => {
	const { paid } = shop.orders;
	await shop.damage(
		"orders",
		`UPDATE event_sequences SET sequence = 3, lost = 1 WHERE aggregate = 'order:${paid.id}'`,
	);
	await shop.damage("notifications", place(paid, 3));
	expect(await shop.breaches()).toEqual([]);
	await shop.damage("orders", `UPDATE orders SET user_id = ${shop.gone} WHERE id = '${paid.id}'`);
	await shop.damage(
		"notifications",
		`DELETE FROM notifications WHERE aggregate = 'order:${paid.id}' AND type = 'order_paid'`,
	);
	expect(await shop.breaches()).toEqual(
		expect.arrayContaining([
			`order ${paid.number} belongs to user ${shop.gone}, but to user ${shop.buyer.id} in order.placed`,
			`order ${paid.number} belongs to user ${shop.gone}, but to user ${shop.buyer.id} in order.paid`,
			`order ${paid.number} has no message for order.paid`,
			`order ${paid.number} belongs to user ${shop.gone}, but order_confirmation is for user ${shop.buyer.id}`,
		]),
	);
	await shop.restore();
});
