import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { mailsTo } from "./mailbox.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	SERVICES,
	startNode,
} from "./shop.ts";

let shop: ServiceBroker;
const users = new pg.Client(databaseUrl("users"));
const notifications = new pg.Client(databaseUrl("notifications"));
const orders = new pg.Client(databaseUrl("orders"));

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	await Promise.all([users, notifications, orders].map((client) => client.connect()));
});

afterAll(async () => {
	await Promise.all([users, notifications, orders].map((client) => client.end()));
	await shop.stop();
});

const logIn = (person: Person, password: string) =>
	callAction(shop, "v1.users.login", { email: person.email, password });

describe("a password", () => {
	test("is changed with the old one; the other sessions end, and a new one begins", async () => {
		const person = await newUser(shop);
		const session = await logIn(person, PASSWORD);
		const change = (current_password: string) =>
			person.call("v1.users.changePassword", { current_password, new_password: "rahasia-baru" });
		await expect(change("not this one")).rejects.toMatchObject({ code: 403, type: "WRONG_PASSWORD" });
		const { access_token: token } = await change(PASSWORD);
		await expect(
			callAction(shop, "v1.users.refresh", { refresh_token: session.refresh_token }),
		).rejects.toMatchObject({ code: 401 });
		await expect(person.call("v1.users.me", {})).rejects.toMatchObject({ code: 401 });
		expect(await callAction(shop, "v1.users.me", {}, { meta: { token } })).toMatchObject({ id: person.id });
		await expect(logIn(person, PASSWORD)).rejects.toMatchObject({ code: 401 });
		expect(await logIn(person, "rahasia-baru")).toMatchObject({ token_type: "bearer" });
	});

	test("can be guessed a few times only, for existing and unknown accounts alike", async () => {
		const person = await newUser(shop);
		for (const email of [person.email, `${person.email}.none`]) {
			const guess = (client: string, password = "wrong") =>
				callAction(shop, "v1.users.login", { email, password }, { meta: { client } }).then(
					() => "in",
					({ type }: { type: string }) => type,
				);
			const first = await Promise.all(Array.from({ length: 12 }, () => guess("192.0.2.1")));
			expect(first.filter((type) => type === "BAD_CREDENTIALS")).toHaveLength(10);
			expect(first.filter((type) => type === "TOO_MANY_LOGINS")).toHaveLength(2);
			expect(await guess("192.0.2.1", PASSWORD)).toBe("TOO_MANY_LOGINS");
			expect(await guess("192.0.2.2")).toBe("BAD_CREDENTIALS");
		}
		expect(await logIn(person, PASSWORD)).toMatchObject({ token_type: "bearer" });
	});

	test("that is correct is not counted", async () => {
		const person = await newUser(shop);
		for (let time = 0; time < 12; time++) {
			await logIn(person, PASSWORD);
		}
	});
});

describe("an admin", () => {
	test("grants and revokes roles, and cannot demote the last admin", async () => {
		const keeper = await admin(shop);
		const person = await newUser(shop);
		expect(await keeper.call("v1.users.update", { id: person.id, role: "admin" })).toMatchObject({
			role: "admin",
		});
		// The token still has the role user, so it is revoked.
		await expect(person.call("v1.users.me", {})).rejects.toMatchObject({ code: 401 });
		await keeper.call("v1.users.update", { id: person.id, is_active: false });
		await expect(logIn(person, PASSWORD)).rejects.toMatchObject({ code: 401 });
		await expect(keeper.call("v1.users.update", { id: keeper.id, role: "user" })).rejects.toMatchObject({
			type: "LAST_ADMIN",
		});
		await expect(keeper.call("v1.users.update", { id: 2_000_000_000, role: "user" })).rejects.toMatchObject({
			code: 404,
		});
	});

	test("is created by the operator, from a user or with a new account", async () => {
		const person = await newUser(shop);
		const make = (email: string) => callAction(shop, "v1.users.makeAdmin", { email, password: PASSWORD });
		expect(await make(person.email)).toEqual({ created: false, email: person.email });
		expect(await make(`second-${person.email}`)).toMatchObject({ created: true });
		const { access_token: token } = await callAction(shop, "v1.users.login", {
			email: `second-${person.email}`,
			password: PASSWORD,
		});
		const { items } = await callAction(shop, "v1.users.list", { limit: 100 }, { meta: { token } });
		for (const made of items) {
			if (made.role === "admin" && made.email.includes(person.email)) {
				await callAction(shop, "v1.users.remove", { id: made.id }, asService());
			}
		}
	});
});

test("a user who is deactivated, deleted or logged out everywhere is locked out on every node at once", async () => {
	const keeper = await admin(shop);
	const people = await Promise.all([newUser(shop), newUser(shop), newUser(shop), newUser(shop)]);
	const [off, deleted, everywhere, untouched] = people as [Person, Person, Person, Person];
	// A separate orders node that caches tokens.
	const elsewhere = await startNode("orders");
	const lists = (person: Person) =>
		elsewhere.call("v1.orders.list", {}, { meta: { token: person.token }, nodeID: elsewhere.nodeID }).then(
			() => "in",
			({ type }: { type: string }) => type,
		);
	for (const person of people) {
		expect(await lists(person)).toBe("in");
	}
	await keeper.call("v1.users.update", { id: off.id, is_active: false });
	await deleted.call("v1.users.remove", { id: deleted.id });
	await everywhere.call("v1.users.logoutAll", {});
	for (const person of [off, deleted, everywhere]) {
		expect(await lists(person)).toBe("TOKEN_INVALID");
	}
	expect(await lists(untouched)).toBe("in");
	await elsewhere.stop();
});

test("a new signing key logs nobody out, signs soon, and the old one is published until its tokens have expired", async () => {
	const person = await newUser(shop);
	const header = (token: string) =>
		JSON.parse(Buffer.from(token.split(".")[0] as string, "base64url").toString());
	const { kid } = await callAction(shop, "v1.users.rotateKey", {});
	expect(header(person.token).kid).not.toBe(kid);
	const { keys } = await callAction(shop, "v1.users.jwks", {});
	expect(keys.map((key) => key.kid)).toEqual([kid, header(person.token).kid]);
	// Makes the key old enough to sign, on a new process that loads the keys.
	await users.query("UPDATE signing_keys SET created_at = created_at - interval '20 seconds'");
	const second = await startNode("users");
	const login = { email: person.email, password: PASSWORD };
	const { access_token: token } = await callAction(second, "v1.users.login", login, {
		nodeID: second.nodeID,
	});
	expect(header(token).kid).toBe(kid);
	for (const one of [token, person.token]) {
		expect(await callAction(shop, "v1.users.me", {}, { meta: { token: one } })).toMatchObject({
			id: person.id,
		});
	}
	await second.stop();
});

describe("an account that is deleted", () => {
	test("is not found by anybody, its address is free again, and its sessions end", async () => {
		const person = await newUser(shop);
		const session = await logIn(person, PASSWORD);
		const other = await newUser(shop);
		await expect(other.call("v1.users.remove", { id: person.id })).rejects.toMatchObject({ code: 404 });
		await person.call("v1.users.remove", { id: person.id });
		await expect(logIn(person, PASSWORD)).rejects.toMatchObject({ code: 401 });
		await expect(
			callAction(shop, "v1.users.refresh", { refresh_token: session.refresh_token }),
		).rejects.toMatchObject({ code: 401 });
		await expect(person.call("v1.users.verify", {})).rejects.toMatchObject({ code: 401 });
		const keeper = await admin(shop);
		await expect(keeper.call("v1.users.get", { id: person.id })).rejects.toMatchObject({ code: 404 });
		await expect(keeper.call("v1.users.remove", { id: person.id })).rejects.toMatchObject({ code: 404 });
		const { rows } = await users.query("SELECT * FROM users WHERE id = $1", [person.id]);
		expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${person.email}|Budi|argon2`));
		const [username] = person.email.split("@") as [string];
		const again = { email: person.email, username, password: PASSWORD, full_name: "Budi" };
		expect(await callAction(shop, "v1.users.register", again)).toMatchObject({ email: person.email });
	});

	test("leaves no address in its messages and, once they are settled, in its orders", async () => {
		const person = await newUser(shop);
		const { id: product_id } = await newProduct(shop, 5);
		const items = [{ product_id, quantity: 1 }];
		const place = () =>
			person.call("v1.orders.place", {
				...{ items, shipping_address: "Jalan Mawar 1", note: "Ketuk pintu" },
				idempotency_key: randomUUID(),
			});
		const [settled, open] = [await place(), await place()];
		await person.call("v1.orders.cancel", { id: settled.id });
		await mailsTo(shop, person, "order_cancelled");
		await person.call("v1.users.remove", { id: person.id });

		await eventually("no address in messages", async () => {
			const { rows } = await notifications.query("SELECT * FROM notifications WHERE user_id = $1", [
				person.id,
			]);
			return rows.length === 4 && !JSON.stringify(rows).includes(person.email);
		});
		const addressOf = async (id: string) => {
			const { rows } = await orders.query("SELECT shipping_address, note FROM orders WHERE id = $1", [id]);
			return rows[0];
		};
		const none = { shipping_address: null, note: null };
		await eventually("no address in the settled order", async () => {
			return (await addressOf(settled.id)).shipping_address === null;
		});
		expect(await addressOf(settled.id)).toEqual(none);
		const { rows: keys } = await orders.query("SELECT answer FROM idempotency_keys WHERE user_id = $1", [
			person.id,
		]);
		expect(keys).toHaveLength(2);
		expect(JSON.stringify(keys)).not.toContain("Mawar");
		expect(await addressOf(open.id)).toMatchObject({ shipping_address: "Jalan Mawar 1" });
		await callAction(shop, "v1.orders.cancel", { id: open.id }, asService());
		await callAction(shop, "v1.orders.forgetUser", { user_id: person.id });
		expect(await addressOf(open.id)).toEqual(none);
		await eventually("the mail that nobody gets", async () => {
			const { rows } = await notifications.query(
				"SELECT status, recipient FROM notifications WHERE user_id = $1 AND aggregate = $2 AND type = 'order_cancelled'",
				[person.id, `order:${open.id}`],
			);
			return rows[0]?.status === "failed" && rows[0].recipient === null;
		});
	});

	test("cannot be that of the last admin", async () => {
		const keeper = await admin(shop);
		await expect(keeper.call("v1.users.remove", { id: keeper.id })).rejects.toMatchObject({
			type: "LAST_ADMIN",
		});
	});
});
