import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { acceptRestore } from "../../audit/accept-restore.ts";
import { audit } from "../../audit/audit.ts";
import { openSources } from "../../audit/sources.ts";
import { type ActionName, callAction, type ParamsOf } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { settings } from "../../mixins/settings.ts";
import { logFile } from "../secrets-in-logs.mjs";
import { admin, eventually, newProduct, newUser, type Person, startNode, stockOf } from "./shop.ts";

const SERVICES = ["users", "products", "orders", "notifications"];
const server = new pg.Client(settings.postgresUrl);
const connected = server.connect();

let shop: ServiceBroker;

beforeEach(async () => {
	await connected;
	shop = await startNode(...SERVICES);
});

afterEach(() => shop.stop());
afterAll(() => server.end());

const named = (database: string) => `"${settings.namespace}_${database}"`;

/** Copies a database while the shop stands. */
async function copy(database: string) {
	await shop.stop();
	await server.query(`CREATE DATABASE ${named(`${database}_copy`)} TEMPLATE ${named(database)}`);
	shop = await startNode(...SERVICES);
}

/** Puts the copy in place of the database; the shop stands. */
async function restore(database: string) {
	await shop.stop();
	await server.query(`DROP DATABASE ${named(database)}`);
	await server.query(`ALTER DATABASE ${named(`${database}_copy`)} RENAME TO ${named(database)}`);
}

async function accept(): Promise<string> {
	const sources = await openSources();
	const said: string[] = [];
	await acceptRestore(sources, (line) => said.push(line));
	await sources.close();
	return said.join("\n");
}

async function breaches() {
	const sources = await openSources();
	const found = await audit(sources, 20_000);
	await sources.close();
	return found.breaches.map(({ document, what }) => `${document} ${what}`);
}

/** As the person, on the node that there is now. */
const call: <N extends ActionName>(
	person: Person,
	name: N,
	params: ParamsOf<N>,
) => ReturnType<typeof callAction<N>> = ({ token }, name, params) =>
	callAction(shop, name, params, { meta: { token } });

const mailsOf = (person: Person) => call(person, "v1.notifications.list", {});

async function buy(person: Person) {
	const { id: product_id } = await newProduct(shop, 5);
	const order = await call(person, "v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	await call(person, "v1.orders.pay", { id: order.id });
	await eventually("the mail", async () =>
		(await mailsOf(person)).some(({ type, status }) => type === "order_paid" && status === "sent"),
	);
	return order;
}

test("users restored from an older copy serves nobody while others know people that it lacks, and never gives their ids again", async () => {
	await newUser(shop);
	await copy("users");
	const lost = await newUser(shop);
	const order = await buy(lost);
	await restore("users");

	shop = await startNode("users");
	const alone = await newUser(shop);
	expect(alone.id).toBeGreaterThan(lost.id);
	await shop.stop();

	shop = await startNode(...SERVICES);
	await expect(callAction(shop, "v1.users.health", {})).rejects.toMatchObject({ type: "DATA_BEHIND" });
	await expect(newUser(shop)).rejects.toMatchObject({ type: "DATA_BEHIND", code: 503 });
	await expect(callAction(shop, "v1.orders.health", {})).resolves.toMatchObject({ status: "healthy" });
	const log = readFileSync(logFile(process.env.TOKO_TEST_FOLDER as string, settings.namespace), "utf8");
	expect(log).toMatch(
		new RegExp(
			`users was restored from an older copy: (orders has orders of user ${lost.id}|notifications has event 1 of user:${lost.id}), which it does not have; restore .* npm run audit -- --accept-restore`,
		),
	);

	expect(await accept()).toMatch(/^users: 1 users have lost events/);
	await eventually("users to serve", () =>
		callAction(shop, "v1.users.health", {}).then(
			() => true,
			() => false,
		),
	);
	const next = await newUser(shop);
	expect(next.id).toBeGreaterThan(alone.id);
	expect(await call(next, "v1.orders.list", {})).toEqual([]);
	const found = await callAction(shop, "v1.orders.find", { id: order.number }, asService());
	expect(found.user_id).toBe(lost.id);
	expect(await breaches()).toEqual([]);
	expect(await accept()).toMatch(/nothing to accept/);
});

test("orders restored from an older copy serves nobody while notifications and products have more; then numbers and events go on above", async () => {
	const [buyer, keeper] = [await newUser(shop), await admin(shop)];
	const before = await buy(buyer);
	await copy("orders");
	await call(keeper, "v1.orders.ship", { id: before.id });
	const lost = await buy(buyer);
	await eventually("all events", async () =>
		(await mailsOf(buyer)).some(({ type, status }) => type === "order_shipped" && status === "sent"),
	);
	await restore("orders");

	shop = await startNode(...SERVICES);
	await expect(callAction(shop, "v1.orders.health", {})).rejects.toMatchObject({ type: "DATA_BEHIND" });
	await expect(call(buyer, "v1.orders.list", {})).rejects.toMatchObject({ type: "DATA_BEHIND" });
	await expect(callAction(shop, "v1.users.health", {})).resolves.toMatchObject({ status: "healthy" });

	expect(await accept()).toMatch(/^orders: 2 orders have lost events/m);
	const next = await eventually("orders to serve", () => buy(buyer).catch(() => undefined));
	expect(next.number > lost.number).toBe(true);
	// Its number among the events of its order was taken by one that is lost.
	await call(keeper, "v1.orders.ship", { id: before.id });
	await eventually(
		"the mail of the event after the lost ones",
		async () => (await mailsOf(buyer)).filter(({ type }) => type === "order_shipped").length === 2,
	);
	// What the lost order has taken out of the stock is for the shopkeeper to count.
	expect((await breaches()).map((line) => line.replace(/^product \S+/, "product"))).toEqual([
		expect.stringMatching(/^product .* supplied 5 ≠ stock 4 \+ held 0 \+ sold 0$/),
	]);
});

test("an order of which only products knows is missed too", async () => {
	const buyer = await newUser(shop);
	await copy("orders");
	await shop.stop();
	shop = await startNode("users", "products", "orders");
	const { id: product_id } = await newProduct(shop, 5);
	const order = await call(buyer, "v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	await call(buyer, "v1.orders.pay", { id: order.id });
	await eventually("the units to be sold", async () => (await stockOf(shop, product_id))?.held === 0);
	await restore("orders");
	shop = await startNode("users", "products", "orders");
	await expect(callAction(shop, "v1.orders.health", {})).rejects.toMatchObject({ type: "DATA_BEHIND" });
});

test("a database that is restored under running processes is noticed", async () => {
	await copy("users");
	await eventually("the welcome", async () => (await mailsOf(await newUser(shop))).length > 0);
	await server.query(`DROP DATABASE ${named("users")} WITH (FORCE)`);
	await server.query(`ALTER DATABASE ${named("users_copy")} RENAME TO ${named("users")}`);
	await eventually("users to notice", () =>
		callAction(shop, "v1.users.health", {}).then(
			() => false,
			({ type }) => type === "DATA_BEHIND",
		),
	);
});
