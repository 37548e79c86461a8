import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { channelOf, envelope } from "../../mixins/events.ts";
import { settings } from "../../mixins/settings.ts";
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

/** The messages of a person once there are `count` and all are sent. */
function sentTo(person: Person, count: number) {
	return eventually(`${count} sent messages`, async () => {
		const found = await person.call("v1.notifications.list", {});
		return found.length >= count && found.every(({ status }) => status === "sent") && found;
	});
}

test("a new user is welcomed and an order confirmed, by a mail each", async () => {
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
	expect(mail).toContain("Total: Rp 2.500.000");
});

test("an event that is delivered twice leads to one mail", async () => {
	const buyer = await newUser(shop);
	await sentTo(buyer, 1);
	const event = envelope("user.registered", randomUUID(), { user_id: buyer.id });
	const broker = shop as unknown as {
		sendToChannel(name: string, event: object, options?: object): Promise<void>;
	};
	// Without a message id the stream takes both copies: only the inbox can tell.
	await broker.sendToChannel(channelOf("user.registered"), event);
	await broker.sendToChannel(channelOf("user.registered"), event);
	const marker = await newUser(shop);
	await sentTo(marker, 1);
	await eventually(
		"an empty outbox",
		async () => (await callAction(mails, "v1.notifications.outbox", {}, asService())).length === 0,
	);
	expect(await sentTo(buyer, 2)).toHaveLength(2);
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
	expect((await two.call("v1.notifications.list", {})).every(({ user_id }) => user_id === two.id)).toBe(true);
	const keeper = await admin(shop);
	expect(await keeper.call("v1.notifications.get", { id })).toMatchObject({ user_id: one.id });
});
