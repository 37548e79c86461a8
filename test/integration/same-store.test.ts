import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Middleware, ServiceBroker } from "moleculer";
import { connect } from "nats";
import pg from "pg";
import { replaceSettings, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { openStoreEntries } from "../../database/store-identity.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { setVariables, testFolder } from "../variables.ts";
import { eventually, startNodeWith } from "./shop.ts";
import { mongoUrl, onMongo } from "./stores.ts";

const given = settings.variables;
const started: ServiceBroker[] = [];
let fatal: string[] = [];
const server = new pg.Client(settings.postgresUrl);
const connected = server.connect();

/** Each test has its own shop. */
beforeEach(async () => {
	await connected;
	fatal = [];
	const name = `${given.TOKO_NAMESPACE}_${randomBytes(3).toString("hex")}`;
	const TOKO_DIR = join(testFolder, name);
	mkdirSync(TOKO_DIR);
	setVariables({ TOKO_NAMESPACE: name, TOKO_DIR });
});

afterEach(async () => {
	await stopAll();
	replaceSettings(given);
});
afterAll(() => server.end());

/** Nodes that fail to start must be stopped, too. */
const noteNode: Middleware = {
	name: "NoteNode",
	created(broker) {
		started.push(broker);
		broker.fatal = (message: string) => void fatal.push(message);
	},
};

const start = (...names: string[]) => startNodeWith([noteNode], ...names);

async function stopAll() {
	await Promise.all(started.splice(0).map((broker) => broker.stop()));
}

const refusal = (...names: string[]) =>
	start(...names).then(
		() => "",
		({ message }) => message,
	);

async function inEntries<T>(work: (entries: Awaited<ReturnType<typeof openStoreEntries>>) => Promise<T>) {
	const nats = await connect(natsConnection(settings.natsUrl));
	try {
		return await work(await openStoreEntries(nats));
	} finally {
		await nats.close();
	}
}

test("a process whose database is another one than the shop's is refused, also where it is empty", async () => {
	await start("orders");
	// Like a database on another server: existing connections stay open.
	const database = `${settings.namespace}_orders`;
	await server.query(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS false`);
	await stopAll();
	await server.query(`ALTER DATABASE "${database}" RENAME TO "${database}_away"`);
	expect(await refusal("orders")).toMatch(
		/^orders of this process is the database \S+_orders at \S+ \(store \w{8}\), but the shop uses the database \S+_orders at \S+ \(store \w{8}\): set POSTGRES_URL [^\n]* npm run audit -- --accept-restore$/,
	);
	await stopAll();
	await server.query(`DROP DATABASE "${database}"`);
	await server.query(`ALTER DATABASE "${database}_away" RENAME TO "${database}"`);
	await server.query(`ALTER DATABASE "${database}" WITH ALLOW_CONNECTIONS true`);
	expect(await refusal("orders")).toBe("");
});

onMongo("products on a server are refused in a shop that has them in a file", async () => {
	await start("products");
	setVariables({ MONGO_URL: mongoUrl });
	expect(await refusal("products")).toMatch(/^products of this process is the database .*products\.db in /);
});

test("products.db is refused in a shop of another namespace", async () => {
	await start("products");
	await stopAll();
	const { namespace: TOKO_NAMESPACE } = settings;
	setVariables({ TOKO_NAMESPACE: `${TOKO_NAMESPACE}b` });
	expect(await refusal("products")).toBe(
		`TOKO_NAMESPACE is ${TOKO_NAMESPACE}b here, but products.db in ${settings.directory} belongs to ${TOKO_NAMESPACE}: set TOKO_NAMESPACE=${TOKO_NAMESPACE}, or another TOKO_DIR for another shop`,
	);
});

test("entries that NATS has lost are made anew by the processes that run, which end where another store was faster", async () => {
	const shop = await start("users");
	const own = await inEntries(({ read }) => read("users"));
	const nats = await connect(natsConnection(settings.natsUrl));
	await (await nats.jetstreamManager()).streams.delete(`KV_${settings.namespace}_stores`);
	await nats.close();
	shop.localBus.emit("$jetstream.connected");
	await eventually("the entry", async () => (await inEntries(({ read }) => read("users")))?.id === own?.id);
	expect(fatal).toEqual([]);

	await inEntries(({ replace }) => replace("users", { id: "another", where: "elsewhere" }));
	shop.localBus.emit("$jetstream.connected");
	await eventually("its end", async () => fatal.length > 0);
	expect(fatal[0]).toMatch(/^users of this process is .* but the shop uses elsewhere \(store another\)/);
	expect(await callAction(shop, "v1.users.health", {})).toMatchObject({ status: "healthy" });
});
