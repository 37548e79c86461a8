import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hash } from "@node-rs/argon2";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { SMTPServer } from "smtp-server";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { email } from "../../contracts/email.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { byEmail } from "../../services/notifications/email.ts";
import { warnOfDuplicates } from "../../services/users/duplicates.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { checkPassword } from "../../services/users/passwords.ts";
import { newUser, PASSWORD, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	shop = await startNode("users");
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await shop.stop();
});

const person = () => {
	const username = `u${randomUUID().slice(0, 8)}`;
	return { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Budi" };
};
const register = (changes: object) => callAction(shop, "v1.users.register", { ...person(), ...changes });
const logIn = (email: string, password = PASSWORD) => callAction(shop, "v1.users.login", { email, password });
const rowOf = async ({ id }: { id: number }) =>
	(await database.query("SELECT * FROM users WHERE id = $1", [id])).rows[0];

/** The same keys as encoded by macOS and by Windows. */
const [MAC, WINDOWS] = ["kopi-café-Åsa".normalize("NFD"), "kopi-café-Åsa".normalize("NFC")];

describe("an address of an internationalised domain", () => {
	test("is one account, however it is written, at every action that takes it", async () => {
		const name = `budi-${randomUUID().slice(0, 8)}`;
		const ascii = `${name}@xn--bcher-kva.example`;
		expect(await register({ email: `${name}@Bücher.example` })).toMatchObject({ email: ascii });
		for (const email of [ascii, `${name}@bücher.example`, `${name.toUpperCase()}@BU\u0308CHER。EXAMPLE`]) {
			await expect(register({ email })).rejects.toMatchObject({ type: "EMAIL_TAKEN" });
			expect(await logIn(email)).toMatchObject({ token_type: "bearer" });
			expect(await callAction(shop, "v1.users.impersonate", { email })).toMatchObject({
				user: { email: ascii },
			});
			expect(await callAction(shop, "v1.users.makeAdmin", { email, password: PASSWORD })).toEqual({
				created: false,
				email: ascii,
			});
		}
	});

	test("is the new address of somebody in its ASCII form", async () => {
		const somebody = await newUser(shop);
		const new_email = `${somebody.email.split("@")[0]}@пример.рф`;
		await somebody.call("v1.users.changeEmail", { current_password: PASSWORD, new_email });
		const token = mailToken("change", await rowOf(somebody));
		await callAction(shop, "v1.users.verifyEmail", { token });
		expect(await logIn(new_email)).toMatchObject({ token_type: "bearer" });
		expect((await rowOf(somebody)).email).toMatch(/@xn--e1afmkfd\.xn--p1ai$/);
	});
});

test("a username that looks like another is that one, and one of other letters is refused", async () => {
	const username = `budi-${randomUUID().slice(0, 8)}`;
	await register({ username });
	for (const same of [username.toUpperCase(), ` ${username}\u00a0`, `\u200b${username}\ufeff`]) {
		await expect(register({ username: same })).rejects.toMatchObject({ type: "USERNAME_TAKEN" });
	}
	for (const other of [username.replace("u", "\u1d1c"), username.replace("i", "ı"), `${username}é`]) {
		await expect(register({ username: other })).rejects.toMatchObject({ code: 422 });
	}
});

test("the start names accounts that lost their address to another one, and says nothing of the person", async () => {
	const somebody = await newUser(shop);
	await database.query("INSERT INTO former_emails VALUES ($1, 'INDAH@toko.test', 'infinity')", [somebody.id]);
	const warned: string[] = [];
	const service = { pool: database, logger: { warn: (line: string) => warned.push(line) } };
	const look = () => warnOfDuplicates(service as unknown as PostgresService);
	await look();
	await database.query("UPDATE users SET email = 'duplicate-1@duplicate.invalid' WHERE id = $1", [
		somebody.id,
	]);
	await look();
	await somebody.call("v1.users.remove", { id: somebody.id });
	await look();
	expect(warned).toEqual([
		expect.stringMatching(new RegExp(`^Users ${somebody.id} registered .* delete them$`)),
	]);
	expect(warned.join()).not.toContain("INDAH");
});

test("mail can be sent to every kind of address that is taken", async () => {
	const received: string[] = [];
	const server = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		onRcptTo({ address }, _session, done) {
			received.push(address);
			done();
		},
		onData(stream, _session, done) {
			stream.resume().once("end", () => done());
		},
	});
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	const channel = byEmail(`smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`);
	const addresses = [
		"budi@toko.test",
		"Budi.S+kopi@toko.test",
		"o'neil@toko.test",
		"-budi-@toko.test",
		"'budi@toko.test",
		"_@toko.test",
		"ｂｕｄｉ@ｔｏｋｏ．ｔｅｓｔ",
		"budi@bücher.example",
		"budi@xn--bcher-kva.example",
		"a@example.рф",
		"a@straße.test",
		"a@پایگاه\u200cداده.test",
		`a@${"b".repeat(63)}.test`,
		`${"a".repeat(200)}@toko.test`,
	].map((given) => email.parse(given));
	try {
		for (const to of addresses) {
			await channel.send({ id: randomUUID(), to, subject: "Halo", text: "Halo", html: "Halo" });
		}
	} finally {
		channel.close();
		await new Promise<void>((done) => server.close(() => done()));
	}
	// The server shows domains in Unicode.
	expect(received.map((address) => email.parse(address))).toEqual(addresses);
});

describe("a password", () => {
	/** Creates a user whose hash is of the unnormalised text, as in the previous version. */
	const formerly = async (typed: string): Promise<Person> => {
		const somebody = await newUser(shop);
		await database.query("UPDATE users SET password_hash = $2 WHERE id = $1", [
			somebody.id,
			await hash(typed),
		]);
		return somebody;
	};

	test.each([
		[MAC, WINDOWS],
		[WINDOWS, MAC],
	])("that was registered as %j is right in both forms", async (given, other) => {
		const { email } = await register({ password: given });
		for (const password of [given, other]) {
			expect(await logIn(email, password)).toMatchObject({ token_type: "bearer" });
		}
		await expect(logIn(email, "kopi-cafe-Asa")).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
	});

	test.each([
		["a Mac", MAC],
		["Windows", WINDOWS],
	])(
		"of a version before, typed on %s, logs in from both, and its hash is then of the normal form",
		async (_, typed) => {
			for (const first of [MAC, WINDOWS]) {
				const { id, email } = await formerly(typed);
				for (const password of [first, MAC, WINDOWS]) {
					expect(await logIn(email, password)).toMatchObject({ token_type: "bearer" });
				}
				expect(await checkPassword((await rowOf({ id })).password_hash, MAC)).toBe(true);
			}
		},
	);

	test("that is wrong replaces no hash, and neither does one that needs none", async () => {
		const somebody = await formerly(MAC);
		const { password_hash } = await rowOf(somebody);
		await expect(logIn(somebody.email, `${MAC}!`)).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
		expect((await rowOf(somebody)).password_hash).toBe(password_hash);
		await logIn(somebody.email, WINDOWS);
		const replaced = (await rowOf(somebody)).password_hash;
		expect(replaced).not.toBe(password_hash);
		await logIn(somebody.email, MAC);
		expect((await rowOf(somebody)).password_hash).toBe(replaced);
	});

	test("is changed, set anew, asked for and given to an admin in any form", async () => {
		const somebody = await formerly(MAC);
		const change = { current_password: WINDOWS, new_password: `${MAC}-baru` };
		const { access_token: token } = await somebody.call("v1.users.changePassword", change);
		const row = await rowOf(somebody);
		expect(await checkPassword(row.password_hash, `${WINDOWS}-baru`)).toBe(true);
		const ask = { current_password: `${WINDOWS}-baru`, new_email: `new-${somebody.email}` };
		await callAction(shop, "v1.users.changeEmail", ask, { meta: { token } });
		await callAction(shop, "v1.users.resetPassword", { token: mailToken("reset", row), new_password: MAC });
		expect(await logIn(somebody.email, WINDOWS)).toMatchObject({ token_type: "bearer" });
		const made = `admin-${somebody.email}`;
		await callAction(shop, "v1.users.makeAdmin", { email: made, password: MAC });
		expect(await logIn(made, WINDOWS)).toMatchObject({ token_type: "bearer" });
		const first = { email: `first-${somebody.email}`, password: MAC };
		await database.query("UPDATE users SET role = 'user'");
		await callAction(shop, "v1.users.ensureAdmin", first);
		expect(await logIn(first.email, WINDOWS)).toMatchObject({ token_type: "bearer" });
	});

	test("of 128 characters is taken however many units they have, and an old one of that length logs in", async () => {
		const longest = "é".repeat(128);
		const { email } = await register({ password: longest.normalize("NFD") });
		expect(await logIn(email, longest)).toMatchObject({ token_type: "bearer" });
		const old = await formerly("\u0958".repeat(128));
		expect(await logIn(old.email, "\u0958".repeat(128))).toMatchObject({ token_type: "bearer" });
		await expect(register({ password: `${longest}é` })).rejects.toMatchObject({ code: 422 });
	});
});

test("a phone as people write it, and the language of a device, are stored in one form", async () => {
	const { id } = await register({ phone: "+62 812-3456-7890", locale: "in-ID" });
	expect(await rowOf({ id })).toMatchObject({ phone: "+6281234567890", locale: "id" });
	const somebody = await newUser(shop);
	const changed = await somebody.call("v1.users.updateMe", {
		locale: "en_US" as "en",
		phone: "+62 811 222 333",
	});
	expect(changed).toMatchObject({ locale: "en", phone: "+62811222333" });
	for (const [field, value, message] of [
		["locale", "fr", "must be one of id, en"],
		["phone", "081234567890", "must begin with the country: +62812… in place of 0812…"],
	] as const) {
		await expect(somebody.call("v1.users.updateMe", { [field]: value })).rejects.toMatchObject({
			code: 422,
			data: { errors: [{ path: field, message }] },
		});
	}
});
