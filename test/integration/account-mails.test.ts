import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { mailsTo, tokenIn } from "./mailbox.ts";
import { eventually, newUser, PASSWORD, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
const users = new pg.Client(databaseUrl("users"));
const notifications = new pg.Client(databaseUrl("notifications"));

beforeAll(async () => {
	shop = await startNode("users", "notifications");
	await Promise.all([users, notifications].map((client) => client.connect()));
});

afterAll(async () => {
	await Promise.all([users, notifications].map((client) => client.end()));
	await shop.stop();
});

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
		const [welcome] = await mailsTo(shop, person, "welcome");
		expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: false });
		for (let time = 0; time < 2; time++) {
			await callAction(shop, "v1.users.verifyEmail", { token: tokenIn(welcome) });
			expect(await person.call("v1.users.verify", {})).toMatchObject({ is_verified: true });
		}
	});

	test("gets another mail on request, and the response does not reveal whose it is", async () => {
		const person = await newUser(shop);
		const answers = await Promise.all(
			[person.email.toUpperCase(), "nobody@toko.test"].map((email) =>
				callAction(shop, "v1.users.verifyEmail", { email }),
			),
		);
		expect(answers[0]).toEqual(answers[1]);
		const [mail] = await mailsTo(shop, person, "verify_email");
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

	test("or a token is required, not both or neither", async () => {
		for (const params of [{}, { email: "budi@toko.test", token: "x" }]) {
			await expect(callAction(shop, "v1.users.verifyEmail", params)).rejects.toMatchObject({ code: 422 });
		}
	});
});

describe("a forgotten password", () => {
	test("is reset by the token of a mail, once, and all sessions end", async () => {
		const person = await newUser(shop);
		const session = await logIn(person, PASSWORD);
		await ask(person.email);
		const token = tokenIn((await mailsTo(shop, person, "reset_password"))[0]);
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

	test("leads to one mail a minute, however often it is requested, and to none for an unknown address", async () => {
		const person = await newUser(shop);
		expect(await ask(person.email)).toEqual(await ask("nobody@toko.test"));
		await mailsTo(shop, person, "reset_password");
		await users.query("UPDATE user_history SET at = now() WHERE user_id = $1", [person.id]);
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
		await mailsTo(shop, person, "reset_password", 2);
	});
});

describe("another address", () => {
	const change = (person: Person, new_email: string) =>
		person.call("v1.users.changeEmail", { current_password: PASSWORD, new_email });

	test("takes effect once its owner has confirmed it", async () => {
		const person = await newUser(shop);
		const new_email = `new-${person.email}`;
		await change(person, new_email);
		expect(await person.call("v1.users.me", {})).toMatchObject({ email: person.email });
		const token = tokenIn((await mailsTo(shop, person, "change_email"))[0]);
		const { items: messages } = await person.call("v1.notifications.list", {});
		expect(messages.find(({ type }) => type === "change_email")).toMatchObject({ recipient: new_email });
		await callAction(shop, "v1.users.verifyEmail", { token });
		expect(await person.call("v1.users.me", {})).toMatchObject({ email: new_email, is_verified: true });
		await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({ code: 400 });
	});

	test("is not requested if it belongs to somebody, and the response does not reveal that; the current one is warned", async () => {
		const [person, other] = [await newUser(shop), await newUser(shop)];
		const answer = await change(person, other.email.toUpperCase());
		await mailsTo(shop, person, "change_email_warning");
		const { items: found } = await person.call("v1.notifications.list", {});
		expect(found.map(({ type }) => type).sort()).toEqual(["change_email_warning", "welcome"]);
		expect(await change(other, `free-${person.email}`)).toEqual(answer);
		await mailsTo(shop, other, "change_email");
		await users.query("UPDATE user_history SET at = now() WHERE user_id = $1", [person.id]);
		await expect(change(person, `free-${other.email}`)).rejects.toMatchObject({
			type: "TOO_MANY_MAILS",
			data: { retry_after_s: 60 },
		});
	});

	test("that somebody else has registered meanwhile stays theirs", async () => {
		const person = await newUser(shop);
		const email = `taken-${person.email}`;
		await change(person, email);
		const token = tokenIn((await mailsTo(shop, person, "change_email"))[0]);
		const [username] = email.split("@") as [string];
		await callAction(shop, "v1.users.register", { email, username, password: PASSWORD, full_name: "Other" });
		await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({
			type: "EMAIL_TAKEN",
		});
	});
});

test("a login or a refresh during a reset does not outlive it, and none of them fails", async () => {
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

test("the tokens of mails are stored nowhere", async () => {
	const person = await newUser(shop);
	await ask(person.email);
	const tokens = [
		tokenIn((await mailsTo(shop, person, "welcome"))[0]),
		tokenIn((await mailsTo(shop, person, "reset_password"))[0]),
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
