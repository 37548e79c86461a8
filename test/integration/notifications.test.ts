import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect } from "nats";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { admin, eventually, newProduct, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let mails: ServiceBroker;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders");
	mails = await startNode("notifications");
	await seesNotifications();
});

function seesNotifications() {
	return shop.waitForServices({ name: "notifications", version: 1 });
}

afterAll(async () => {
	await mails.stop();
	await shop.stop();
});

/** Waits until a person has `count` messages and all are sent. Returns them. */
function sentTo(person: Person, count: number) {
	return eventually(`${count} sent messages`, async () => {
		const { items: found } = await person.call("v1.notifications.list", {});
		return found.length >= count && found.every(({ status }) => status === "sent") && found;
	});
}

test("a new user and an order each lead to a mail", async () => {
	const buyer = await newUser(shop);
	const product = await newProduct(shop, 5, 1_250_000);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 2 }] });
	const found = await sentTo(buyer, 2);
	expect(found.map(({ type }) => type).sort()).toEqual(["order_confirmation", "welcome"]);
	const confirmation = found.find(({ type }) => type === "order_confirmation");
	expect(confirmation).toMatchObject({
		recipient: buyer.email,
		subject: `Konfirmasi Order #${order.number}`,
		history: [{ status: "queued" }, { status: "sent" }],
	});
	const [file] = (await readdir(join(settings.directory, "mailbox"))).filter((name) =>
		name.includes(confirmation?.id as string),
	);
	const mail = await readFile(join(settings.directory, "mailbox", file as string), "utf8");
	expect(mail).toContain(`To: ${buyer.email}`);
	const text = quotedPrintable(mail);
	expect(text).toMatch(/2 × .*Rp 2\.500\.000/);
	expect(text).toMatch(/Total +Rp 2\.500\.000/);
});

/** Decodes the text of a mail; sufficient for the templates. */
function quotedPrintable(mail: string): string {
	const bytes = mail
		.replace(/=\r?\n/g, "")
		.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	return Buffer.from(bytes, "latin1").toString("utf8");
}

test("a user who has chosen English is written to in English", async () => {
	const buyer = await newUser(shop);
	expect(await buyer.call("v1.users.me", {})).toMatchObject({ locale: "id" });
	await sentTo(buyer, 1);
	expect(await buyer.call("v1.users.updateMe", { locale: "en" })).toMatchObject({ locale: "en" });
	const product = await newProduct(shop, 5);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity: 1 }] });
	const [confirmation] = await sentTo(buyer, 2);
	expect(confirmation?.subject).toBe(`Order #${order.number} confirmed`);
});

/** Publishes an event directly, with a new id, so that the stream does not deduplicate it. */
async function deliver(aggregate: string, sequence: number, name: string, data: object, version = 1) {
	const broker = shop as unknown as { sendToChannel(name: string, event: object): Promise<void> };
	const [id, occurred_at] = [randomUUID(), new Date().toISOString()];
	await broker.sendToChannel(`events.${name}`, { id, name, version, aggregate, sequence, occurred_at, data });
	return id;
}

const moved = (user_id: number, number: string) => ({
	...{ order_id: randomUUID(), number, user_id },
	...{ total_minor: 1000, currency: "IDR" },
});

/** Returns the types of a person's messages about an order number, oldest first. */
async function messagesAbout(person: Person, number: string) {
	const { items: found } = await person.call("v1.notifications.list", { limit: 100 });
	return found
		.filter(({ subject }) => subject?.includes(number))
		.sort((a, b) => a.created_at.localeCompare(b.created_at))
		.map(({ type }) => type);
}

test("an event that is delivered twice leads to one mail", async () => {
	const buyer = await newUser(shop);
	const [aggregate, number] = [`order:${randomUUID()}`, `TW-${randomUUID()}`];
	await deliver(aggregate, 1, "order.paid", moved(buyer.id, number));
	await deliver(aggregate, 1, "order.paid", moved(buyer.id, number));
	await deliver(aggregate, 2, "order.shipped", moved(buyer.id, number));
	await eventually("the last mail", async () =>
		(await messagesAbout(buyer, number)).includes("order_shipped"),
	);
	await deliver(aggregate, 1, "order.paid", moved(buyer.id, number));
	await deliver(aggregate, 3, "order.refunded", moved(buyer.id, number));
	await eventually("all mails", async () => (await messagesAbout(buyer, number)).length >= 3);
	expect(await messagesAbout(buyer, number)).toEqual(["order_paid", "order_shipped", "order_refunded"]);
});

test("events of one order are taken in the order of their commits, however they arrive", async () => {
	const buyer = await newUser(shop);
	const [aggregate, number] = [`order:${randomUUID()}`, `SQ-${randomUUID()}`];
	await deliver(aggregate, 4, "order.refunded", moved(buyer.id, number));
	await deliver(aggregate, 2, "order.shipped", moved(buyer.id, number));
	await deliver(aggregate, 3, "order.completed", moved(buyer.id, number));
	// Once this event is processed, so are all earlier ones in the stream.
	const after = `AF-${randomUUID()}`;
	await deliver(`order:${randomUUID()}`, 1, "order.paid", moved(buyer.id, after));
	await eventually("a later event", async () => (await messagesAbout(buyer, after)).length === 1);
	expect(await messagesAbout(buyer, number)).toEqual([]);
	await deliver(aggregate, 1, "order.paid", moved(buyer.id, number));
	await eventually("three mails", async () => (await messagesAbout(buyer, number)).length === 3);
	expect(await messagesAbout(buyer, number)).toEqual(["order_paid", "order_shipped", "order_refunded"]);
});

test("an event that was passed over is handled once when it arrives after all", async () => {
	const buyer = await newUser(shop);
	const [aggregate, number] = [`order:${randomUUID()}`, `PO-${randomUUID()}`];
	const database = new pg.Client(databaseUrl("notifications"));
	await database.connect();
	const { rows } = await database.query("SELECT advance_inbox($1, 3, true) AS place", [aggregate]);
	expect(rows).toEqual([{ place: "next" }]);
	await database.end();
	await deliver(aggregate, 3, "order.refunded", moved(buyer.id, number));
	for (let time = 0; time < 2; time++) {
		await deliver(aggregate, 1, "order.paid", moved(buyer.id, number));
		await deliver(aggregate, 2, "order.shipped", moved(buyer.id, number));
	}
	await deliver(aggregate, 4, "order.cancelled", moved(buyer.id, number));
	// A skipped event that arrives after all may be processed after later ones.
	await eventually("three mails", async () => (await messagesAbout(buyer, number)).length >= 3);
	expect((await messagesAbout(buyer, number)).sort()).toEqual([
		"order_cancelled",
		"order_paid",
		"order_shipped",
	]);
});

describe("a dead letter", () => {
	let keeper: Person;

	beforeAll(async () => {
		keeper = await admin(shop);
	});

	const letter = (id: string) =>
		eventually("a dead letter", async () =>
			(await keeper.call("v1.notifications.deadLetters", { limit: 100 })).find((one) => one.id === id),
		);

	test("is an event of no contract, kept with the reason and as it came; those after it go on", async () => {
		const buyer = await newUser(shop);
		const [aggregate, number] = [`order:${randomUUID()}`, `DL-${randomUUID()}`];
		const wrong = await deliver(aggregate, 1, "order.paid", { user_id: "seven" });
		const newer = await deliver(`order:${randomUUID()}`, 1, "order.paid", moved(buyer.id, number), 99);
		await deliver(aggregate, 2, "order.shipped", moved(buyer.id, number));
		expect(await letter(wrong)).toMatchObject({
			name: "order.paid",
			payload: { aggregate, data: { user_id: "seven" } },
			error: expect.stringContaining("does not match the contract of order.paid"),
			stack: expect.stringContaining("NotAnEvent"),
			tries: expect.any(Number),
		});
		expect(await letter(newer)).toMatchObject({ error: expect.stringContaining("version 99") });
		await eventually("the mail after it", async () => (await messagesAbout(buyer, number)).length === 1);
		await expect(keeper.call("v1.notifications.retryDeadLetter", { id: wrong })).rejects.toMatchObject({
			type: "DEAD_LETTER_FAILED",
		});
		await expect(keeper.call("v1.notifications.retryDeadLetter", { id: randomUUID() })).rejects.toMatchObject(
			{ type: "DEAD_LETTER_NOT_FOUND" },
		);
		await expect(buyer.call("v1.notifications.deadLetters", {})).rejects.toMatchObject({ code: 403 });
	});

	test("is made of an event that is not even JSON", async () => {
		const nats = await connect(natsConnection(settings.natsUrl));
		const text = `{"no": "JSON" ${randomUUID()}`;
		await nats.jetstream().publish(`${settings.namespace}.events.order.paid`, new TextEncoder().encode(text));
		await nats.close();
		await eventually("a dead letter", async () =>
			(await keeper.call("v1.notifications.deadLetters", { limit: 100 })).find(
				({ payload }) => payload === text,
			),
		);
	});

	test("is made of any other invalid event, and the service continues", async () => {
		const buyer = await newUser(shop);
		const places = [{ aggregate: "x\u0000y", sequence: 1 }, { aggregate: { a: 1 }, sequence: "abc" }, {}];
		const names = [{ toString: 1 }, "payment.timeout", "order.paid", null];
		const nats = await connect(natsConnection(settings.natsUrl));
		const ids: string[] = [];
		for (const place of places) {
			for (const name of names) {
				const id = randomUUID();
				ids.push(id);
				const event = JSON.stringify({ id, name, version: 1, data: { timeout: 1 }, ...place });
				await nats
					.jetstream()
					.publish(`${settings.namespace}.events.order.paid`, new TextEncoder().encode(event));
			}
		}
		await nats.close();
		const number = `GO-${randomUUID()}`;
		await deliver(`order:${randomUUID()}`, 1, "order.paid", moved(buyer.id, number));
		await eventually("an event after them", async () => (await messagesAbout(buyer, number)).length === 1);
		for (const id of ids) {
			await letter(id);
		}
	});

	test("does not take the place of events before it that come later", async () => {
		const buyer = await newUser(shop);
		const [aggregate, number] = [`order:${randomUUID()}`, `DB-${randomUUID()}`];
		const wrong = await deliver(aggregate, 2, "order.paid", { user_id: "seven" });
		await letter(wrong);
		await deliver(aggregate, 1, "order.placed", {
			...moved(buyer.id, number),
			items: [{ product_id: "p", name: "Kopi", price_minor: 1000, quantity: 1 }],
		});
		await eventually("the mail before it", async () => (await messagesAbout(buyer, number)).length === 1);
	});

	test("is an event whose place in the sequence is none", async () => {
		const wrong = await Promise.all(
			[1e20, 1.5, "x", -1, 200_000].map((sequence) =>
				deliver(`order:${randomUUID()}`, sequence as number, "order.paid", moved(1, "none")),
			),
		);
		for (const id of wrong) {
			expect(await letter(id)).toMatchObject({ error: expect.stringContaining("sequence") });
		}
	});

	test("is handled by a retry, once", async () => {
		const buyer = await newUser(shop);
		const number = `RT-${randomUUID()}`;
		const wrong = await deliver(`order:${randomUUID()}`, 1, "order.paid", { user_id: 1 });
		const { payload } = await letter(wrong);
		const database = new pg.Client(databaseUrl("notifications"));
		await database.connect();
		await database.query("UPDATE dead_letters SET payload = $2 WHERE id = $1", [
			wrong,
			JSON.stringify({ ...(payload as object), data: moved(buyer.id, number) }),
		]);
		await database.end();
		const retries = [1, 2, 3].map(() => keeper.call("v1.notifications.retryDeadLetter", { id: wrong }));
		const answers = await Promise.allSettled(retries);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		await eventually("its mail", async () => (await messagesAbout(buyer, number)).length > 0);
		expect(await messagesAbout(buyer, number)).toEqual(["order_paid"]);
	});
});

test("a mail that cannot leave yet waits for its service and is sent once", async () => {
	await mails.stop();
	const buyer = await newUser(shop);
	mails = await startNode("notifications");
	await seesNotifications();
	expect(await sentTo(buyer, 1)).toHaveLength(1);
});

test("people see their own messages only, an admin everybody's", async () => {
	const [one, two] = [await newUser(shop), await newUser(shop)];
	const [message] = await sentTo(one, 1);
	await sentTo(two, 1);
	const id = message?.id as string;
	expect(await one.call("v1.notifications.get", { id })).toMatchObject({ id });
	await expect(two.call("v1.notifications.get", { id })).rejects.toMatchObject({ code: 404 });
	await expect(one.call("v1.notifications.get", { id: randomUUID() })).rejects.toMatchObject({ code: 404 });
	expect((await two.call("v1.notifications.list", {})).items.every(({ user_id }) => user_id === two.id)).toBe(
		true,
	);
	const keeper = await admin(shop);
	expect(await keeper.call("v1.notifications.get", { id })).toMatchObject({ user_id: one.id });
});
