import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect } from "nats";
import pg from "pg";
import { replaceSettings, settings } from "../../config/settings.ts";
import { type ActionName, callAction, type ParamsOf } from "../../contracts/actions.ts";
import { databases } from "../../contracts/services.ts";
import { streamConfig } from "../../events/envelope.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { acceptRestore } from "../../tools/audit/accept-restore.ts";
import { audit } from "../../tools/audit/audit.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables, testFolder } from "../variables.ts";
import {
	admin,
	eventually,
	loggedSoFar,
	newProduct,
	newUser,
	type Person,
	SERVICES,
	startNode,
	stockOf,
} from "./shop.ts";

const server = new pg.Client(settings.postgresUrl);
const connected = server.connect();

let shop: ServiceBroker;

const given = settings.variables;

/** Each test has its own shop. */
beforeEach(async () => {
	await connected;
	const name = `${given.TOKO_NAMESPACE}_${randomBytes(3).toString("hex")}`;
	const TOKO_DIR = join(testFolder, name);
	mkdirSync(TOKO_DIR);
	setVariables({ TOKO_NAMESPACE: name, TOKO_DIR });
	shop = await startNode(...SERVICES);
});

afterEach(async () => {
	await shop.stop();
	replaceSettings(given);
});
afterAll(() => server.end());

const named = (database: string) => `"${settings.namespace}_${database}"`;

/** Copies databases while the shop is stopped. */
async function copy(...databases: string[]) {
	await shop.stop();
	for (const database of databases) {
		await server.query(`CREATE DATABASE ${named(`${database}_copy`)} TEMPLATE ${named(database)}`);
	}
	shop = await startNode(...SERVICES);
}

/** Replaces databases with their copies while the shop is stopped. */
async function restore(...databases: string[]) {
	await shop.stop();
	for (const database of databases) {
		await server.query(`DROP DATABASE ${named(database)}`);
		await server.query(`ALTER DATABASE ${named(`${database}_copy`)} RENAME TO ${named(database)}`);
	}
}

/** Returns the problem type in the health of a service. */
async function illness(name: "users" | "products" | "orders" | "notifications") {
	return callAction(shop, `v1.${name}.health`, {}).then(
		() => undefined,
		({ type }) => type,
	);
}

/** Waits until a service refuses calls. A service whose question to the others was not answered in time asks again. */
function refuses(name: "users" | "products" | "orders"): Promise<boolean> {
	return eventually(`${name} to refuse`, async () => (await illness(name)) === "DATA_BEHIND");
}

async function accept(): Promise<string> {
	const sources = await openSources();
	const said: string[] = [];
	await acceptRestore(sources, true, (line) => said.push(line));
	await sources.close();
	return said.join("\n");
}

async function breaches() {
	const sources = await openSources();
	const found = await audit(sources, 20_000);
	await sources.close();
	return found.breaches.map(({ document, what }) => `${document} ${what}`);
}

/** Calls an action as a person on the current node. */
const call: <N extends ActionName>(
	person: Person,
	name: N,
	params: ParamsOf<N>,
) => ReturnType<typeof callAction<N>> = ({ token }, name, params) =>
	callAction(shop, name, params, { meta: { token } });

const mailsOf = async (person: Person) => (await call(person, "v1.notifications.list", {})).items;

async function buy(person: Person) {
	const { id: product_id } = await newProduct(shop, 5);
	const order = await call(person, "v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	await call(person, "v1.orders.pay", { id: order.id });
	await eventually("the mail", async () =>
		(await mailsOf(person)).some(({ type, status }) => type === "order_paid" && status === "sent"),
	);
	return order;
}

test("users restored from an older copy refuses calls while others know people that it lacks, and never reuses their ids", async () => {
	await newUser(shop);
	await copy("users");
	const lost = await newUser(shop);
	const order = await buy(lost);
	await restore("users");

	shop = await startNode("users");
	await refuses("users");
	await expect(newUser(shop)).rejects.toMatchObject({ type: "DATA_BEHIND", code: 503 });
	await shop.stop();

	shop = await startNode(...SERVICES);
	await refuses("users");
	await expect(newUser(shop)).rejects.toMatchObject({ type: "DATA_BEHIND", code: 503 });
	await expect(callAction(shop, "v1.orders.health", {})).resolves.toMatchObject({ status: "healthy" });
	expect(loggedSoFar()).toMatch(
		new RegExp(
			`users was restored from an older copy: (orders has orders of user ${lost.id}|(notifications|the stream) has event 1 of user:${lost.id}), which it does not have; restore .* npm run audit -- --accept-restore`,
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
	expect(next.id).toBeGreaterThan(lost.id);
	expect((await call(next, "v1.orders.list", {})).items).toEqual([]);
	const found = await callAction(shop, "v1.orders.find", { id: order.number }, asService());
	expect(found.user_id).toBe(lost.id);
	expect(await breaches()).toEqual([]);
	expect(await accept()).toMatch(/nothing to accept/);
});

test("orders restored from an older copy refuses calls while notifications and products have more; then numbers and events continue above", async () => {
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
	await refuses("orders");
	// More calls than it takes to open a circuit, which would hide the reason.
	for (let turn = 0; turn < 30; turn++) {
		await expect(call(buyer, "v1.orders.list", {})).rejects.toMatchObject({ type: "DATA_BEHIND" });
	}
	await expect(callAction(shop, "v1.users.health", {})).resolves.toMatchObject({ status: "healthy" });

	expect(await accept()).toMatch(/^orders: 2 orders have lost events/m);
	const next = await eventually("orders to serve", () => buy(buyer).catch(() => undefined));
	expect(next.number > lost.number).toBe(true);
	// A lost event had the same sequence.
	await call(keeper, "v1.orders.ship", { id: before.id });
	await eventually(
		"the mail of the event after the lost ones",
		async () => (await mailsOf(buyer)).filter(({ type }) => type === "order_shipped").length === 2,
	);
	// Units that the lost order removed from the stock must be counted by hand.
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
	await refuses("orders");
});

/** Three pending orders of a product with three units, of which two are cancelled and one is paid after the copy. */
async function endThreeOrders() {
	const buyer = await newUser(shop);
	const { id: product_id } = await newProduct(shop, 3);
	const orders = [];
	for (let each = 0; each < 3; each++) {
		orders.push(await call(buyer, "v1.orders.place", { items: [{ product_id, quantity: 1 }] }));
	}
	const [first = "", second = "", third = ""] = orders.map(({ id }) => id);
	// Otherwise the copies may have an order without its mail.
	await eventually(
		"the mails",
		async () =>
			(await mailsOf(buyer)).filter(({ type, status }) => type === "order_confirmation" && status === "sent")
				.length === 3,
	);
	await copy(...databases);
	await call(buyer, "v1.orders.cancel", { id: first });
	await call(buyer, "v1.orders.cancel", { id: second });
	await call(buyer, "v1.orders.pay", { id: third });
	await eventually("the holds to be settled", async () => {
		const { stock, held } = (await stockOf(shop, product_id)) as { stock: number; held: number };
		return stock === 2 && held === 0;
	});
	return { buyer, product_id };
}

test("the stream reveals that all of PostgreSQL was restored from an older copy", async () => {
	const { buyer, product_id } = await endThreeOrders();
	await restore(...databases);
	shop = await startNode("users", "orders", "notifications");
	await refuses("orders");
	expect(loggedSoFar()).toMatch(/orders was restored from an older copy: the stream has event 2 of order:/);
	await shop.stop();
	shop = await startNode(...SERVICES);
	await expect(
		call(buyer, "v1.orders.place", { items: [{ product_id, quantity: 1 }] }),
	).rejects.toMatchObject({ type: "DATA_BEHIND" });

	// Two cancellations and one payment are lost: all three orders are pending again, the paid one with the unit that it
	// took.
	const said = await accept();
	expect(said).toMatch(/^orders: 3 orders have lost events/m);
	expect(said.match(/holds its units again/g)).toHaveLength(3);
	expect(said).toMatch(/was paid in the lost data/);
	await eventually("orders and products to serve", async () =>
		(await Promise.all((["orders", "products"] as const).map(illness))).every((type) => type === undefined),
	);
	expect(await stockOf(shop, product_id)).toMatchObject({ stock: 0, held: 3 });
	await expect(
		call(buyer, "v1.orders.place", { items: [{ product_id, quantity: 1 }] }),
	).rejects.toMatchObject({ type: "OUT_OF_STOCK" });
	for (const { id } of (await call(buyer, "v1.orders.list", {})).items) {
		await call(buyer, "v1.orders.pay", { id });
	}
	await eventually("the mails of events after the lost ones", async () => {
		const mails = await mailsOf(buyer);
		return mails.filter(({ type, status }) => type === "order_paid" && status === "sent").length >= 3;
	});
	await eventually("the units to be sold", async () => (await stockOf(shop, product_id))?.held === 0);
	expect(await breaches()).toEqual([]);
});

test("products.db restored from an older copy is refused where its units were sold since, and accepting takes them from the stock", async () => {
	const buyer = await newUser(shop);
	const { id: product_id } = await newProduct(shop, 3);
	await shop.stop();
	const file = join(settings.directory, "products.db");
	copyFileSync(file, `${file}-copy`);
	shop = await startNode(...SERVICES);
	const items = [{ product_id, quantity: 2 }];
	const sold = await call(buyer, "v1.orders.place", { items });
	await call(buyer, "v1.orders.pay", { id: sold.id });
	await eventually("the units to be sold", async () => (await stockOf(shop, product_id))?.held === 0);
	await shop.stop();
	copyFileSync(`${file}-copy`, file);

	shop = await startNode("products");
	await refuses("products");
	expect(loggedSoFar()).toMatch(
		/products was restored from an older copy: its consumer has acknowledged order\.paid at \d+ of the stream, which it does not have; restore /,
	);
	await shop.stop();
	shop = await startNode(...SERVICES);
	expect(await accept()).toMatch(`products: product ${product_id}: 2 sold units removed from the stock`);
	await eventually("products to serve", async () => (await illness("products")) === undefined);
	expect(await stockOf(shop, product_id)).toMatchObject({ stock: 1, held: 0 });
	expect(await breaches()).toEqual([]);
});

test("a pending order whose hold is lost with products.db gets its units again, or is cancelled where they are sold", async () => {
	const buyer = await newUser(shop);
	const { id: product_id } = await newProduct(shop, 2);
	await shop.stop();
	const file = join(settings.directory, "products.db");
	copyFileSync(file, `${file}-copy`);
	shop = await startNode(...SERVICES);
	const items = [{ product_id, quantity: 1 }];
	await call(buyer, "v1.orders.place", { items });
	await call(buyer, "v1.orders.place", { items });
	await shop.stop();
	copyFileSync(`${file}-copy`, file);
	shop = await startNode("products");
	await callAction(shop, "v1.products.changeStock", { id: product_id, quantity: -1 }, asService());
	await shop.stop();

	shop = await startNode(...SERVICES);
	await refuses("products");
	const said = await accept();
	expect(said).toMatch(/order TK-\d+ holds its units again/);
	expect(said).toMatch(/order TK-\d+ is cancelled: its units are sold/);
	await eventually("orders to serve", async () => (await illness("orders")) === undefined);
	await eventually("the mail", async () =>
		(await mailsOf(buyer)).some(({ type, status }) => type === "order_cancelled" && status === "sent"),
	);
	expect(await breaches()).toEqual([]);
});

test("pending orders without their holds are refused by orders and products, where the stream is lost too", async () => {
	await endThreeOrders();
	await restore(...databases);
	const nats = await connect(natsConnection(settings.natsUrl));
	await (await nats.jetstreamManager()).streams.delete(streamConfig().name);
	await nats.close();
	shop = await startNode(...SERVICES);
	for (const name of ["orders", "products"] as const) {
		await refuses(name);
	}
	expect(loggedSoFar()).toMatch(/order TK-\d+ is pending, and products has no units held for it; restore /);
	expect(await stockOf(shop, "x").catch(({ type }) => type)).toBe("DATA_BEHIND");
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
