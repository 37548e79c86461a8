import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import PostalMime from "postal-mime";
import { databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { setVariables } from "../variables.ts";
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

/** Waits for `count` mails of this type to a person. Returns their texts as stored in the mailbox. */
async function mailsTo(person: Person, type: string, count = 1): Promise<string[]> {
	const found = await eventually(`${count} mails ${type}`, async () => {
		const { items: all } = await callAction(shop, "v1.notifications.list", { limit: 100 }, asService());
		const sent = all.filter((one) => one.user_id === person.id && one.type === type && one.status === "sent");
		return sent.length >= count && sent;
	});
	return Promise.all(found.map(({ id }) => textOf(id)));
}

async function textOf(id: string): Promise<string> {
	const file = await readFile(join(settings.directory, "mailbox", `${id}.eml`));
	return (await PostalMime.parse(file)).text ?? "";
}

const tokenIn = (text: string | undefined) => /^(verify|change|reset)\.\S+$/m.exec(text ?? "")?.[0] as string;
const ask = (email: string) => callAction(shop, "v1.users.forgotPassword", { email });
const reset = (token: string, password: string) =>
	callAction(shop, "v1.users.resetPassword", { token, new_password: password });
const logIn = (person: Person, password: string) =>
	callAction(shop, "v1.users.login", { email: person.email, password });

/** Returns the row of a user; mail tokens are signed with its fields. */
async function rowOf(person: Person) {
	const { rows } = await users.query("SELECT * FROM users WHERE id = $1", [person.id]);
	return rows[0];
}

describe("an address", () => {
	test("is verified by the token of the welcome mail, also a second time", async () => {
		const person = await newUser(shop);
		const [welcome] = await mailsTo(person, "welcome");
		expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: false });
		for (let time = 0; time < 2; time++) {
			await callAction(shop, "v1.users.verifyEmail", { token: tokenIn(welcome) });
			expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: true });
		}
	});

	test("gets another mail when asked, and the answer does not tell whose it is", async () => {
		const person = await newUser(shop);
		const answers = await Promise.all(
			[person.email.toUpperCase(), "nobody@toko.test"].map((email) =>
				callAction(shop, "v1.users.verifyEmail", { email }),
			),
		);
		expect(answers[0]).toEqual(answers[1]);
		const [mail] = await mailsTo(person, "verify_email");
		await callAction(shop, "v1.users.verifyEmail", { token: tokenIn(mail) });
		expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: true });
	});

	test("is not verified by a token that is over, of another or for something else", async () => {
		const [person, other] = [await newUser(shop), await newUser(shop)];
		const row = await rowOf(person);
		const forged = mailToken("verify", { ...(await rowOf(other)), id: person.id });
		const day = 24 * 3600 * 1000;
		for (const token of [
			mailToken("verify", row, Date.now() - 4 * day),
			mailToken("verify", { ...row, email: "old@toko.test" }),
			mailToken("reset", row),
			mailToken("verify", row).replace(/.$/, (last) => (last === "A" ? "Q" : "A")),
			forged,
			"verify.1.2.3",
			"verify.2147483648.9999999999.abc",
			"x",
		]) {
			await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({
				type: "MAIL_TOKEN_INVALID",
			});
		}
		expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: false });
	});

	test("or a token, not both or neither", async () => {
		for (const params of [{}, { email: "budi@toko.test", token: "x" }]) {
			await expect(callAction(shop, "v1.users.verifyEmail", params)).rejects.toMatchObject({ code: 422 });
		}
	});
});

describe("a forgotten password", () => {
	test("is set anew by the token of a mail, once, and all sessions end", async () => {
		const person = await newUser(shop);
		const session = await logIn(person, PASSWORD);
		await ask(person.email);
		const token = tokenIn((await mailsTo(person, "reset_password"))[0]);
		const tries = await Promise.allSettled(
			["first", "second", "third"].map((one) => reset(token, `${one}-password`)),
		);
		expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		const winner = ["first", "second", "third"][tries.findIndex(({ status }) => status === "fulfilled")];
		await expect(logIn(person, PASSWORD)).rejects.toMatchObject({ code: 401 });
		await expect(
			callAction(shop, "v1.users.refresh", { refresh_token: session.refresh_token }),
		).rejects.toMatchObject({ code: 401 });
		expect(await logIn(person, `${winner}-password`)).toMatchObject({ token_type: "bearer" });
		await expect(reset(token, "another-password")).rejects.toMatchObject({ type: "MAIL_TOKEN_INVALID" });
	});

	test("leads to one mail a minute, however often it is asked for, and to none for a stranger", async () => {
		const person = await newUser(shop);
		expect(await ask(person.email)).toEqual(await ask("nobody@toko.test"));
		await mailsTo(person, "reset_password");
		await Promise.all([1, 2, 3].map(() => ask(person.email)));
		await eventually("all requests to be looked at", async () => {
			const { rows } = await users.query(
				"SELECT 1 FROM graphile_worker.jobs WHERE task_identifier = 'request_mail'",
			);
			return rows.length === 0;
		});
		expect(
			(await users.query("SELECT event FROM user_history WHERE user_id = $1", [person.id])).rows,
		).toEqual([{ event: "user.password_reset_requested" }]);
		await users.query("UPDATE user_history SET at = now() - interval '2 minutes' WHERE user_id = $1", [
			person.id,
		]);
		await ask(person.email);
		await mailsTo(person, "reset_password", 2);
	});
});

describe("a password", () => {
	test("is changed by whoever knows the old one; the other sessions end, and a new one begins", async () => {
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

	test("can be guessed a few times only, alike for accounts that there are and are not", async () => {
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

	test("that is right is not counted", async () => {
		const person = await newUser(shop);
		for (let time = 0; time < 12; time++) {
			await logIn(person, PASSWORD);
		}
	});
});

describe("another address", () => {
	const change = (person: Person, new_email: string) =>
		person.call("v1.users.changeEmail", { current_password: PASSWORD, new_email });

	test("counts once its owner has confirmed it", async () => {
		const person = await newUser(shop);
		const new_email = `new-${person.email}`;
		await change(person, new_email);
		expect(await person.call("v1.users.me", {})).toMatchObject({ email: person.email });
		const token = tokenIn((await mailsTo(person, "change_email"))[0]);
		const { items: messages } = await person.call("v1.notifications.list", {});
		expect(messages.find(({ type }) => type === "change_email")).toMatchObject({ recipient: new_email });
		await callAction(shop, "v1.users.verifyEmail", { token });
		expect(await person.call("v1.users.me", {})).toMatchObject({ email: new_email, is_verified: true });
		await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({ code: 400 });
	});

	test("is not asked for where it is somebody's, and the answer does not tell; the present one is warned", async () => {
		const [person, other] = [await newUser(shop), await newUser(shop)];
		const answer = await change(person, other.email.toUpperCase());
		await mailsTo(person, "change_email_warning");
		const { items: found } = await person.call("v1.notifications.list", {});
		expect(found.map(({ type }) => type).sort()).toEqual(["change_email_warning", "welcome"]);
		expect(await change(other, `free-${person.email}`)).toEqual(answer);
		await mailsTo(other, "change_email");
		await expect(change(person, `free-${other.email}`)).rejects.toMatchObject({
			type: "TOO_MANY_MAILS",
			data: { retry_after_s: 60 },
		});
	});

	test("that somebody else has taken meanwhile stays theirs", async () => {
		const person = await newUser(shop);
		const email = `taken-${person.email}`;
		await change(person, email);
		const token = tokenIn((await mailsTo(person, "change_email"))[0]);
		const [username] = email.split("@") as [string];
		await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Other" });
		await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({
			type: "EMAIL_TAKEN",
		});
	});
});

describe("an admin", () => {
	test("gives and takes powers, and cannot take the last admin's", async () => {
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

	test("is made by the operator, of a user or anew", async () => {
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

test("who is switched off, deleted or logged out everywhere is out on every node at once", async () => {
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

test("a new signing key logs nobody out, signs soon, and the old one is published until its tokens are over", async () => {
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

test("a login or a refresh at the moment of a reset does not outlive it, and none of them fails", async () => {
	for (let round = 0; round < 4; round++) {
		const person = await newUser(shop);
		const sessions = [await logIn(person, PASSWORD)];
		const token = mailToken("reset", await rowOf(person));
		const resetting = reset(token, "rahasia-baru");
		const attempts = await Promise.allSettled([
			...[1, 2, 3].map(() => logIn(person, PASSWORD)),
			callAction(shop, "v1.users.refresh", { refresh_token: sessions[0]?.refresh_token as string }),
		]);
		await resetting;
		for (const attempt of attempts) {
			if (attempt.status === "fulfilled") {
				sessions.push(attempt.value);
			} else {
				expect(attempt.reason).toMatchObject({ code: 401 });
			}
		}
		for (const { refresh_token } of sessions) {
			await expect(callAction(shop, "v1.users.refresh", { refresh_token })).rejects.toMatchObject({
				code: 401,
			});
		}
	}
});

test("the tokens of mails are kept nowhere", async () => {
	const person = await newUser(shop);
	await ask(person.email);
	const tokens = [
		tokenIn((await mailsTo(person, "welcome"))[0]),
		tokenIn((await mailsTo(person, "reset_password"))[0]),
	];
	const looks = [
		[notifications, "SELECT * FROM notifications"],
		[notifications, "SELECT * FROM graphile_worker._private_jobs"],
		[users, "SELECT * FROM users"],
		[users, "SELECT * FROM graphile_worker._private_jobs"],
	] as const;
	for (const [database, sql] of looks) {
		const { rows } = await database.query(sql);
		for (const token of tokens) {
			expect(JSON.stringify(rows)).not.toContain(token.split(".").at(-1));
		}
	}
});

describe("an account that is deleted", () => {
	test("is gone for everybody, its address is free again, and its sessions end", async () => {
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
		expect(JSON.stringify(await rowOf(person))).not.toMatch(new RegExp(`${person.email}|Budi|argon2`));
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
		await mailsTo(person, "order_cancelled");
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

	test("is not that of the last admin", async () => {
		const keeper = await admin(shop);
		await expect(keeper.call("v1.users.remove", { id: keeper.id })).rejects.toMatchObject({
			type: "LAST_ADMIN",
		});
	});
});

test("a user with a phone gets a text message beside the mail, signed for the provider, once", async () => {
	const asked: { headers: Record<string, unknown>; body: { id: string; to: string; text: string } }[] = [];
	const answers = [503, 200, 400];
	const provider = createServer((request, response) => {
		let body = "";
		request.on("data", (chunk) => {
			body += chunk;
		});
		request.on("end", () => {
			asked.push({ headers: request.headers, body: JSON.parse(body) });
			response.writeHead(answers[asked.length - 1] ?? 200).end("whatever");
		});
	});
	await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
	await shop.stop();
	const { port } = provider.address() as AddressInfo;
	setVariables({
		SMS_URL: `http://toko:pass%20word@127.0.0.1:${port}/messages`,
		SMS_SECRET: "text secret",
	});
	shop = await startNode(...SERVICES);
	try {
		const person = await newUser(shop);
		await expect(person.call("v1.users.updateMe", { phone: "0812" })).rejects.toMatchObject({ code: 422 });
		expect(await person.call("v1.users.updateMe", { phone: "+6281234567890" })).toMatchObject({
			phone: "+6281234567890",
		});
		const { id: product_id } = await newProduct(shop, 5, 1_250_000);
		const order = await person.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
		await person.call("v1.orders.pay", { id: order.id });
		const texts = () =>
			eventually("a text message", async () => {
				const { items: found } = await person.call("v1.notifications.list", {});
				const all = found.filter(({ channel }) => channel === "sms");
				return all.length > 0 && all.every(({ status }) => status !== "queued") && all;
			});
		const [text] = await texts();
		expect(text).toMatchObject({
			type: "order_paid",
			recipient: "+6281234567890",
			subject: null,
			status: "sent",
		});
		expect(asked).toHaveLength(2);
		for (const { headers, body } of asked) {
			expect(body).toEqual({
				id: text?.id,
				to: "+6281234567890",
				text: expect.stringMatching(new RegExp(`#${order.number}`)),
			});
			expect(headers).toMatchObject({
				"idempotency-key": text?.id,
				authorization: `Basic ${Buffer.from("toko:pass word").toString("base64")}`,
			});
			const [, at, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers["toko-signature"])) ?? [];
			const expected = createHmac("sha256", "text secret").update(`${at}.${JSON.stringify(body)}`);
			expect(mac).toBe(expected.digest("hex"));
		}
		await callAction(shop, "v1.orders.ship", { id: order.id }, asService());
		await eventually("a refusal", async () => {
			const { items: found } = await person.call("v1.notifications.list", {});
			return found.some(({ channel, status }) => channel === "sms" && status === "failed");
		});
		expect(asked).toHaveLength(3);
	} finally {
		setVariables({ SMS_URL: undefined, SMS_SECRET: undefined });
		await new Promise((resolve) => provider.close(resolve));
	}
});
