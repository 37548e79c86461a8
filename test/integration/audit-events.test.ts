import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Service } from "moleculer";
import { addService } from "../../cli/shop/services.ts";
import { settings } from "../../mixins/settings.ts";
import { AuditedShop, type Made, testBreaches } from "./audited-shop.ts";
import { eventually, newUser } from "./shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

const place = ({ id }: Made, sequence: number) =>
	`UPDATE inbox SET sequence = ${sequence} WHERE aggregate = 'order:${id}'`;

/** Events stay in the stream meanwhile. */
async function withoutNotifications(work: () => Promise<void>): Promise<void> {
	await shop.broker.destroyService(
		shop.broker.getLocalService({ name: "notifications", version: 1 }) as Service,
	);
	await work();
	await addService(shop.broker, "notifications");
	await shop.rest();
}

/** Publishes what no outbox had, and looks. */
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
				({ orders: { paid } }) => [`order ${paid.number} event 1 of 2 was the last to be taken in`],
			],
			[
				"that was passed over",
				"notifications",
				({ orders }) => `INSERT INTO inbox_gaps VALUES ('order:${orders.shipped.id}', 2)`,
				({ orders: { shipped } }) => [
					`order ${shipped.number} event 2 of 3 was passed over and has not come since`,
				],
			],
			[
				"that was taken in and never published",
				"notifications",
				({ orders }) => place(orders.paid, 5),
				({ orders: { paid } }) => [`order ${paid.number} event 5 was taken in, but 2 were published`],
			],
			[
				"that happened and was not published",
				"orders",
				({ orders }) => `UPDATE event_sequences SET sequence = 1 WHERE aggregate = 'order:${orders.paid.id}'`,
				({ orders: { paid } }) => [
					`order ${paid.number} 1 of 2 events were published`,
					`order ${paid.number} event 2 was taken in, but 1 were published`,
					`is order.paid, event 2 of order:${paid.id}, which has had 1`,
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
			[
				"that is a dead letter",
				"notifications",
				() =>
					"INSERT INTO dead_letters VALUES (gen_random_uuid(), 'order.paid', '{}', 'no such thing', '', 6)",
				() => ["order.paid could not be taken in: no such thing"],
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
			expect(await shop.breaches()).toEqual([
				`order ${paid.number} event 1 of 2 was the last to be taken in`,
			]);
			await shop.damage("notifications", place(paid, 2));
		});
		await shop.save();
	});

	test("in the stream that its outbox never had", async () => {
		const aggregate = `order:${shop.orders.pending.id}`;
		const forged = { id: "00000000-0000-4000-8000-000000000001", name: "order.paid", version: 1, data: {} };
		await withoutNotifications(async () => {
			expect(await breachesWith({ ...forged, aggregate, sequence: 2 })).toEqual([
				expect.stringContaining(`is order.paid, event 2 of ${aggregate}, which has had 1`),
			]);
			expect(await breachesWith({ ...forged, aggregate, sequence: 1 })).toEqual([
				expect.stringContaining("with an id that is not that of its event 1"),
			]);
			expect(await breachesWith({ ...forged, aggregate: "ghost:1", sequence: 1 })).toEqual([
				expect.stringContaining("is of nothing that has events"),
			]);
			expect(await breachesWith({})).toEqual([expect.stringContaining("is of nothing that has events")]);
			expect(await shop.breaches()).toEqual([]);
		});
	});
});

describe("the audit has nothing to say of what was pruned by age:", () => {
	/** As if all of it had happened so long ago. */
	const age = ({ id }: Made, days: number) =>
		`UPDATE order_history SET at = at - interval '${days} days' WHERE order_id = '${id}';
		UPDATE orders SET created_at = created_at - interval '${days} days' WHERE id = '${id}'`;

	test("the place of an order of half a year ago, and a gap of it; its messages have to be there", async () => {
		const { cancelled } = shop.orders;
		const aggregate = `order:${cancelled.id}`;
		await shop.damage("notifications", `DELETE FROM inbox WHERE aggregate = '${aggregate}'`);
		expect(await shop.breaches()).toEqual([
			expect.stringContaining("event 0 of 2 was the last to be taken in"),
		]);
		await shop.damage("orders", age(cancelled, 181));
		expect(await shop.breaches()).toEqual([]);
		// An event that came later still, and passed the others over.
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

describe("the audit names a job", () => {
	const jobs = "graphile_worker._private_jobs";
	const add = (name: string) =>
		`SELECT graphile_worker.add_job('${name}', '{}', run_at => '2999-01-01Z', job_key => 'event:order:lost#1')`;
	testBreaches(
		() => shop,
		(["users", "orders", "notifications"] as const).flatMap((database) => [
			[
				`of ${database} that is put off to a far year`,
				database,
				() => add("publish_event"),
				() => [`of ${database} publish_event is put off to 2999-01-01`],
			],
			[
				`of ${database} that was given up`,
				database,
				() => `${add("publish_event")}; UPDATE ${jobs} SET attempts = max_attempts WHERE key LIKE '%lost#1'`,
				() => [`of ${database} publish_event was given up`],
			],
		]),
	);

	test("that is put off, and the event that it would have published before there was a table of them", async () => {
		const { paid } = shop.orders;
		await shop.damage("notifications", place(paid, 1));
		await shop.damage("orders", add("publish_event").replace("order:lost#1", `order:${paid.id}#2`));
		expect(await shop.breaches()).toEqual([
			`order ${paid.number} event 1 of 2 was the last to be taken in`,
			expect.stringContaining("publish_event is put off to 2999-01-01"),
		]);
		await shop.restore();
	});
});
