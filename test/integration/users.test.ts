import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { newUser, PASSWORD, startNode } from "./shop.ts";

let one: ServiceBroker;
let two: ServiceBroker;
let database: pg.Client;

beforeAll(async () => {
	[one, two] = (await Promise.all([startNode("users"), startNode("users")])) as [
		ServiceBroker,
		ServiceBroker,
	];
	database = new pg.Client(databaseUrl("users"));
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await Promise.all([one.stop(), two.stop()]);
});

const person = () => {
	const username = `u${randomUUID().slice(0, 8)}`;
	return { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Budi" };
};
const settle = (calls: Promise<unknown>[]) => Promise.allSettled(calls);
const won = (answers: PromiseSettledResult<unknown>[]) =>
	answers.filter(({ status }) => status === "fulfilled").length;

describe("registering", () => {
	test("accepts an address and a name once, whatever their case, even at the same moment", async () => {
		const given = person();
		const same = await settle(Array.from({ length: 5 }, () => callAction(one, "v1.users.register", given)));
		expect(won(same)).toBe(1);
		for (const answer of same) {
			if (answer.status === "rejected") {
				expect(answer.reason).toMatchObject({
					code: 400,
					type: expect.stringMatching(/^(EMAIL|USERNAME)_TAKEN$/),
				});
			}
		}
		const other = person();
		await expect(
			callAction(one, "v1.users.register", { ...other, email: given.email.toUpperCase() }),
		).rejects.toMatchObject({ type: "EMAIL_TAKEN" });
		await expect(
			callAction(one, "v1.users.register", { ...other, username: given.username.toUpperCase() }),
		).rejects.toMatchObject({ type: "USERNAME_TAKEN" });
	});

	test("stores the password as argon2id only, and returns it to nobody", async () => {
		const given = person();
		const registered = await callAction(one, "v1.users.register", given);
		expect(Object.keys(registered)).not.toContain("password_hash");
		const { rows } = await database.query("SELECT * FROM users WHERE id = $1", [registered.id]);
		expect(rows[0].password_hash).toMatch(/^\$argon2id\$/);
		expect(JSON.stringify(rows)).not.toContain(PASSWORD);
	});
});

describe("a login", () => {
	test("works with the address in any case", async () => {
		const given = person();
		await callAction(one, "v1.users.register", given);
		const tokens = await callAction(one, "v1.users.login", {
			email: given.email.toUpperCase(),
			password: PASSWORD,
		});
		expect(tokens).toMatchObject({ token_type: "bearer", expires_in: 900 });
	});

	test("fails alike for a wrong password, an unknown account and a deactivated one", async () => {
		const given = person();
		const { id } = await callAction(one, "v1.users.register", given);
		const fail = (email: string, password: string) =>
			callAction(one, "v1.users.login", { email, password }).then(
				() => "in",
				({ code, type, message }: { code: number; type: string; message: string }) => ({
					code,
					type,
					message,
				}),
			);
		const wrong = await fail(given.email, "not this one");
		expect(wrong).toMatchObject({ code: 401, type: "BAD_CREDENTIALS" });
		expect(await fail("nobody@toko.test", PASSWORD)).toEqual(wrong);
		await database.query("UPDATE users SET is_active = false WHERE id = $1", [id]);
		expect(await fail(given.email, PASSWORD)).toEqual(wrong);
	});
});

test("a change of nothing to one's own profile is answered with the profile", async () => {
	const person = await newUser(one);
	expect(await person.call("v1.users.updateMe", {})).toEqual(await person.call("v1.users.me", {}));
});

test("processes that start together sign with one key, which the database holds encrypted", async () => {
	const { rows } = await database.query("SELECT private_key FROM signing_keys");
	expect(rows).toHaveLength(1);
	expect(rows[0].private_key.toString("latin1")).not.toContain("PRIVATE");
	// An unencrypted PKCS#8 key of this type has 48 bytes and begins with a DER sequence.
	expect(rows[0].private_key.length).toBe(48 + 12 + 16);
	const { token } = await newUser(one);
	expect(await callAction(two, "v1.users.me", {}, { meta: { token } })).toMatchObject({ full_name: "Budi" });
});

test("the first admin is made once, however many processes ask, and although a customer is called admin", async () => {
	await callAction(one, "v1.users.register", { ...person(), username: "admin" });
	const asked = await settle(
		[one, two, one, two].map((node) =>
			callAction(node, "v1.users.ensureAdmin", { email: "admin@toko.test", password: PASSWORD }),
		),
	);
	expect(won(asked)).toBe(4);
	const { items: users } = await callAction(one, "v1.users.list", { limit: 100 }, asService());
	expect(users.filter(({ role }) => role === "admin")).toHaveLength(1);
});
