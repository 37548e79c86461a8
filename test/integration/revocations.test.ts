import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";
import pg from "pg";
import { childEnvironment, databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { natsOf } from "../../nats/client.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { hashPassword } from "../../services/users/passwords.ts";
import { admin, eventually, newProduct, newUser, PASSWORD, type Person, startNode, stockOf } from "./shop.ts";

let shop: ServiceBroker;
/** A node in the test process that verifies tokens itself. */
let beside: ServiceBroker;
let other: ChildProcess;
/** Address of a gateway in another process, which verifies the tokens of its orders itself. */
let address: string;
let password_hash: string;
const users = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	shop = await startNode("users", "products");
	await users.connect();
	// The last admin cannot lose the role, so the shop needs another one.
	await admin(shop);
	password_hash = await hashPassword(PASSWORD);
	const { NODE_OPTIONS, ...environment } = childEnvironment();
	const root = resolve(import.meta.dirname, "../..");
	other = spawn(process.execPath, ["cli/node.ts", "api", "orders"], {
		cwd: root,
		// All servers are given, so it joins no shop of a folder; it does not use the products' server.
		env: { ...environment, LOG_LEVEL: "error", PORT: "0", MONGO_URL: "mongodb://127.0.0.1:1/unused" },
		stdio: ["ignore", "pipe", "inherit"],
	});
	for await (const line of createInterface({ input: other.stdout as NodeJS.ReadableStream })) {
		address = /^gateway at (\S+)/.exec(line)?.[1] ?? address;
		if (line.startsWith("joined ")) {
			break;
		}
	}
	if (!address) {
		throw new Error("the other process did not start");
	}
	beside = await startNode("orders");
	await shop.waitForServices([{ name: "orders", version: 1 }]);
});

afterAll(async () => {
	if (other.kill("SIGTERM")) {
		await new Promise((done) => other.once("exit", done));
	}
	await beside?.stop();
	await users.end();
	await shop.stop();
});

/** Creates a user with a token without the cost of a password hash. */
async function somebody(): Promise<Person> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	const { rows } = await users.query<{ id: number }>(
		"INSERT INTO users (email, username, password_hash, full_name) VALUES ($1, $2, $3, 'Budi') RETURNING id",
		[email, username, password_hash],
	);
	const { access_token: token } = await callAction(shop, "v1.users.impersonate", { email });
	return {
		id: (rows[0] as { id: number }).id,
		email,
		token,
		call: (name, params) => callAction(shop, name, params, { meta: { token } }),
	};
}

/** Returns the status that the other process gives for a token. */
async function elsewhere({ token }: Person): Promise<number> {
	const answer = await fetch(`${address}/api/v1/orders`, { headers: { authorization: `Bearer ${token}` } });
	await answer.body?.cancel();
	return answer.status;
}

/** Tells whether a node other than that of users accepts a token. */
function isInBeside({ token }: Person): Promise<boolean> {
	return callAction(beside, "v1.orders.list", {}, { meta: { token }, nodeID: beside.nodeID }).then(
		() => true,
		() => false,
	);
}

const remove = ({ id, call }: Person) => call("v1.users.remove", { id });
const update = ({ id }: Person, powers: { is_active?: boolean; role?: "user" }) =>
	callAction(shop, "v1.users.update", { id, ...powers }, asService());

describe("a token that the other process has just taken is refused there by the very next call", () => {
	test.each<[string, number, (person: Person) => Promise<unknown>]>([
		["after DELETE /users/{id}", 30, remove],
		["after PATCH {is_active: false}", 30, (person) => update(person, { is_active: false })],
		["after a logout everywhere", 30, ({ call }) => call("v1.users.logoutAll", {})],
		[
			"after a role was taken away",
			30,
			async (person) => {
				await users.query("UPDATE users SET role = 'admin' WHERE id = $1", [person.id]);
				await update(person, { role: "user" });
			},
		],
		[
			"after a change of the password",
			10,
			({ call }) =>
				call("v1.users.changePassword", { current_password: PASSWORD, new_password: "rahasia-baru" }),
		],
		[
			"after a reset of the password",
			10,
			async ({ id }) => {
				const { rows } = await users.query("SELECT * FROM users WHERE id = $1", [id]);
				const token = mailToken("reset", rows[0]);
				await callAction(shop, "v1.users.resetPassword", { token, new_password: "rahasia-baru" });
			},
		],
	])("%s, %i times in a row", async (_, times, end) => {
		const seen = new Set<string>();
		for (let time = 0; time < times; time++) {
			const person = await somebody();
			const before = [await elsewhere(person), await isInBeside(person)];
			await end(person);
			const after = await Promise.all([elsewhere(person), isInBeside(person)]);
			seen.add(JSON.stringify({ before, after }));
		}
		expect([...seen]).toEqual([JSON.stringify({ before: [200, true], after: [401, false] })]);
	});
});

test("the new token of a changed password, and those of other people, go on", async () => {
	const [person, untouched] = [await somebody(), await somebody()];
	const { access_token: token } = await person.call("v1.users.changePassword", {
		current_password: PASSWORD,
		new_password: "rahasia-baru",
	});
	expect(await Promise.all([{ ...person, token }, untouched].map(elsewhere))).toEqual([200, 200]);
});

test("a token revoked during a NATS outage is refused by the first call after it", async () => {
	const person = await somebody();
	expect(await isInBeside(person)).toBe(true);
	// Simulates a missed notification, from a previous version or at the wrong moment.
	await users.query(
		"UPDATE users SET session_version = session_version + 1, revoked_at = now() WHERE id = $1",
		[person.id],
	);
	const nats = natsOf(beside) as NatsConnection;
	await nats.reconnect();
	await eventually("NATS", async () => (await nats.rtt().catch(() => undefined)) !== undefined);
	await beside.waitForServices([{ name: "users", version: 1 }]);
	expect(await isInBeside(person)).toBe(false);
});

test("a node that has just started, and is unknown to the others, refuses tokens that were just revoked", async () => {
	for (let time = 0; time < 3; time++) {
		const newcomer = await startNode("orders");
		const person = await somebody();
		const isIn = () =>
			callAction(
				newcomer,
				"v1.orders.list",
				{},
				{ meta: { token: person.token }, nodeID: newcomer.nodeID },
			).then(
				() => true,
				() => false,
			);
		expect(await isIn()).toBe(true);
		await person.call("v1.users.logoutAll", {});
		expect(await isIn()).toBe(false);
		await newcomer.stop();
	}
});

test("an unsigned message on the shop's NATS revokes no token", async () => {
	const person = await somebody();
	expect(await isInBeside(person)).toBe(true);
	const nats = natsOf(shop) as NatsConnection;
	const forged = JSON.stringify([{ user_id: person.id, session_version: 1000 }]);
	for (const message of [forged, `x ${forged}`, ` ${forged}`, "", "x", "[", `${"A".repeat(43)} ${forged}`]) {
		nats.publish(`${settings.namespace}.tokens.revoked`, message);
	}
	await nats.flush();
	expect(await isInBeside(person)).toBe(true);
	await person.call("v1.users.logoutAll", {});
	expect(await isInBeside(person)).toBe(false);
});

describe("somebody who was deleted a moment ago", () => {
	test("places no order on a node that has missed it, and holds no units", async () => {
		const { id: product_id } = await newProduct(shop, 5);
		const person = await somebody();
		const order = { items: [{ product_id, quantity: 2 }] };
		const placed = await person.call("v1.orders.place", order);
		// Recorded only in the orders database.
		await callAction(shop, "v1.orders.forgetUser", { user_id: person.id });
		for (const idempotency_key of [undefined, randomUUID()]) {
			await expect(
				person.call("v1.orders.place", { ...order, ...(idempotency_key ? { idempotency_key } : {}) }),
			).rejects.toMatchObject({ code: 401, type: "TOKEN_INVALID" });
		}
		expect(await stockOf(shop, product_id)).toMatchObject({ stock: 3, held: 2 });
		expect(placed.status).toBe("pending");
	});

	test("is known to orders when the deletion is answered", async () => {
		const orders = new pg.Client(databaseUrl("orders"));
		await orders.connect();
		for (let time = 0; time < 20; time++) {
			const person = await somebody();
			await remove(person);
			const { rowCount } = await orders.query("SELECT FROM deleted_users WHERE user_id = $1", [person.id]);
			expect(rowCount).toBe(1);
		}
		await orders.end();
	});

	test("gets no new token by a refresh or a login of the same moment", async () => {
		for (let time = 0; time < 5; time++) {
			const person = await newUser(shop);
			const login = () => callAction(shop, "v1.users.login", { email: person.email, password: PASSWORD });
			const { refresh_token } = await login();
			const refresh = () => callAction(shop, "v1.users.refresh", { refresh_token });
			const [, ...sessions] = await Promise.allSettled([remove(person), refresh(), login(), refresh()]);
			await expect(refresh()).rejects.toMatchObject({ code: 401 });
			for (const session of sessions) {
				if (session.status === "fulfilled") {
					const { access_token: token, refresh_token } = session.value;
					expect(await elsewhere({ ...person, token })).toBe(401);
					await expect(callAction(shop, "v1.users.refresh", { refresh_token })).rejects.toMatchObject({
						code: 401,
					});
				}
			}
		}
	});
});
