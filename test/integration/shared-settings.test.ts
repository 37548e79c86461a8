import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Middleware, ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl, replaceSettings, settings, type Variables } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { acceptRestore } from "../../tools/audit/accept-restore.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { checkStores } from "../../tools/audit/stores.ts";
import { setVariables, testFolder } from "../variables.ts";
import { eventually, loggedSoFar, newProduct, newUser, SERVICES, startNodeWith } from "./shop.ts";
import { stores } from "./stores.ts";

const given = settings.variables;
const started: ServiceBroker[] = [];

/** Each test has its own shop. */
beforeEach(() => {
	const name = `${given.TOKO_NAMESPACE}_${randomBytes(3).toString("hex")}`;
	const TOKO_DIR = join(testFolder, name);
	mkdirSync(TOKO_DIR);
	setVariables({ TOKO_NAMESPACE: name, TOKO_DIR });
});

afterEach(async () => {
	await stopAll();
	replaceSettings(given);
});

/** Nodes that fail to start must be stopped, too. */
const noteNode: Middleware = {
	name: "NoteNode",
	created(broker) {
		started.push(broker);
	},
};

const start = (...names: string[]) => startNodeWith([noteNode], ...names);

async function stopAll() {
	await Promise.all(started.splice(0).map((broker) => broker.stop()));
}

/** Returns the reason why a process with these settings does not start. */
async function refusal(changes: Variables, ...names: string[]): Promise<string> {
	const before = settings.variables;
	setVariables(changes);
	try {
		await start(...names);
		return "";
	} catch (error) {
		return (error as Error).message;
	} finally {
		replaceSettings(before);
	}
}

async function sql(database: string, text: string) {
	const client = new pg.Client(databaseUrl(database));
	await client.connect();
	const { rows } = await client.query(text);
	await client.end();
	return rows;
}

describe("a shop with an order in rupiah", () => {
	beforeEach(async () => {
		const shop = await start("users", "products", "orders");
		const buyer = await newUser(shop);
		const { id } = await newProduct(shop, 1);
		await buyer.call("v1.orders.place", { items: [{ product_id: id, quantity: 1 }] });
		await stopAll();
	});

	test.each([
		["CURRENCY", "USD", "IDR"],
		["CURRENCY_DECIMALS", "2", "0"],
	])("refuses a process with %s=%s, and says both values and the cure", async (name, own, other) => {
		for (const service of ["orders", "products"]) {
			expect(await refusal({ [name]: own }, service)).toMatch(
				new RegExp(
					`^${name} is ${own} here, but .*_?${service}.* was made with ${other}: set ${name}=${other}, or[^\\n]*$`,
				),
			);
		}
		expect(await refusal({}, "users", "products", "orders")).toBe("");
	});

	test("refuses it even if an earlier version recorded nothing, and records the correct value", async () => {
		await sql("orders", "DELETE FROM shop_settings WHERE name LIKE 'CURRENCY%'");
		expect(await refusal({ CURRENCY: "USD" }, "orders")).toMatch(/^CURRENCY is USD here, .* made with IDR/);
		expect(await refusal({}, "orders")).toBe("");
		expect(
			await sql(
				"orders",
				`SELECT name, value FROM shop_settings WHERE name LIKE 'CURRENCY%' ORDER BY name COLLATE "C"`,
			),
		).toEqual([
			{ name: "CURRENCY", value: "IDR" },
			{ name: "CURRENCY_DECIMALS", value: "0" },
		]);
	});
});

describe.each(stores)("products on %s", (_, url) => {
	beforeEach(() => {
		if (url) {
			setVariables({ MONGO_URL: url });
		}
	});

	test("have one currency once there is a price, and any before", async () => {
		expect(await refusal({}, "products")).toBe("");
		await stopAll();
		expect(await refusal({ CURRENCY: "USD", CURRENCY_DECIMALS: "2" }, "products")).toBe("");
		await stopAll();
		const shop = await start("products");
		await newProduct(shop, 1);
		await stopAll();
		expect(await refusal({ CURRENCY: "USD" }, "products")).toMatch(/CURRENCY is USD here, .* made with IDR/);
	});
});

test("a shop without prices and orders may change its currency", async () => {
	expect(await refusal({}, ...SERVICES)).toBe("");
	await stopAll();
	expect(await refusal({ CURRENCY: "USD" }, ...SERVICES)).toBe("");
});

test("another TOKO_SECRET is accepted after all processes were stopped", async () => {
	expect(await refusal({}, "users")).toBe("");
	await stopAll();
	expect(await refusal({ TOKO_SECRET: randomUUID() }, "users")).toBe("");
});

describe("among nodes", () => {
	let fatal: string[];
	const noteEnd: Middleware = {
		name: "NoteEnd",
		created(broker) {
			broker.fatal = (message: string) => void fatal.push(message);
		},
	};
	beforeEach(() => {
		fatal = [];
	});

	async function startOther(changes: Variables, ...names: string[]) {
		const before = settings.variables;
		setVariables(changes);
		await startNodeWith([noteNode, noteEnd], ...names);
		replaceSettings(before);
	}

	test("one without data ends where its settings differ from those of one with data, whoever comes first", async () => {
		const shop = await start("users");
		await startOther({ CURRENCY: "USD" });
		await eventually("its end", async () => fatal.length > 0);
		expect(fatal[0]).toMatch(
			/^CURRENCY is USD here, but IDR at \S+, which keeps data of this shop: set CURRENCY=IDR, /,
		);
		await stopAll();
		fatal = [];
		await startOther({ CURRENCY: "USD" });
		expect(fatal).toEqual([]);
		const later = await start("users");
		await eventually("its end", async () => fatal.length > 0);
		expect(await callAction(later, "v1.users.health", {})).toMatchObject({ status: "healthy" });
		expect(shop.nodeID).not.toBe(later.nodeID);
	});

	test("a process of services has the tax of the others", async () => {
		await start("users", "orders");
		await startOther({ TAX_RATE: "11" }, "products");
		await eventually("its end", async () => fatal.length > 0);
		expect(fatal[0]).toMatch(/^TAX_RATE is 11 here, but 0 at \S+, which keeps data of this shop: give /);
	});

	test("of two with data the later one ends, although its own store is empty", async () => {
		await start("users");
		await startOther({ CURRENCY: "USD" }, "orders");
		await eventually("its end", async () => fatal.length > 0);
	});
});

test("orders processes with another PAYMENT_WEBHOOK_SECRET report it without revealing it", async () => {
	await start("orders");
	const PAYMENT_WEBHOOK_SECRET = randomUUID();
	expect(await refusal({ PAYMENT_WEBHOOK_SECRET }, "orders")).toBe("");
	await eventually("the warnings", async () =>
		/PAYMENT_WEBHOOK_SECRET is fingerprint \w{8} here, but \w{8} at \S+: one of them answers 401/.test(
			loggedSoFar(),
		),
	);
	expect(loggedSoFar()).not.toContain(PAYMENT_WEBHOOK_SECRET);
});

test("the audit refuses amounts of another currency, and stores of another shop", async () => {
	await start(...SERVICES);
	const sources = await openSources();
	setVariables({ CURRENCY: "USD" });
	await expect(checkStores(sources)).rejects.toThrow(/^CURRENCY is USD here, but .* was made with IDR: set /);
	setVariables({ CURRENCY: undefined });
	await expect(checkStores(sources)).resolves.toBeUndefined();
	await sql("orders", "UPDATE shop_settings SET value = 'another' WHERE name = 'STORE_ID'");
	await expect(checkStores(sources)).rejects.toThrow(
		/^orders of this process is .* \(store another\), but the shop uses /,
	);
	const said: string[] = [];
	await acceptRestore(sources, true, (line) => said.push(line));
	expect(said).toEqual([expect.stringMatching(/^orders: the shop continues with the database /)]);
	await expect(checkStores(sources)).resolves.toBeUndefined();
	await sources.close();
});

test("the record of a file of products is beside it, and holds no secret", async () => {
	await start("products");
	const text = readFileSync(join(settings.directory, "products-settings.json"), "utf8");
	expect(JSON.parse(text)).toMatchObject({ CURRENCY: "IDR", CURRENCY_DECIMALS: "0" });
	expect(text).not.toContain(settings.secret);
});
