import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import PostalMime from "postal-mime";
import { cleanUp, newFolder, run, startShop, until } from "../../tools/shop-process.ts";

afterAll(cleanUp);

/** Returns all logs of the shop and its servers. */
function logsOf(folder: string, ...said: string[]): string {
	const logs = join(folder, "logs");
	return [...said, ...readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"))].join("\n");
}

test("no password, token, key or address of a person is in the logs, however much is logged", async () => {
	const folder = newFolder();
	const admin = { ADMIN_EMAIL: "keeper-of-logs@toko.test", ADMIN_PASSWORD: "password-of-the-admin" };
	const shop = await startShop(folder, { ...admin, LOG_LEVEL: "trace" });
	const secrets = new Map<string, string>([["the admin's password", admin.ADMIN_PASSWORD]]);
	for (const [name, value] of Object.entries(
		JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8")),
	)) {
		secrets.set(name, value as string);
	}
	const person = {
		email: "person-of-logs@toko.test",
		username: "person-of-logs",
		full_name: "Person Of Logs",
	};
	const keep = (name: string, value: string) => {
		secrets.set(name, value);
		return value;
	};
	const post = async (path: string, body: object, token?: string) => {
		const answer = await shop.request("POST", `/api/v1${path}`, { body, ...(token ? { token } : {}) });
		return answer.body;
	};

	const password = keep("a password", "password-of-a-person");
	await post("/users/register", { ...person, password });
	await post("/users/register", { ...person, password });
	await post("/users/login", {
		email: person.email,
		password: keep("a wrong password", "wrong-password-typed"),
	});
	const first = await post("/users/login", { email: person.email, password });
	keep("a refresh token", first.refresh_token);
	const second = await post("/users/refresh", { refresh_token: first.refresh_token });
	keep("the next refresh token", second.refresh_token);
	const token = keep("an access token", second.access_token);
	await post("/users/refresh", { refresh_token: first.refresh_token });
	await post("/users/forgot-password", { email: person.email });
	await post("/users/reset-password", {
		token: keep("a forged token", "reset.2.9999999999.forged-signature"),
		new_password: keep("a new password", "password-that-is-new"),
	});
	await post("/users/me/password", { current_password: password, new_password: "x" }, token);
	await shop.request("GET", "/api/v1/users/me", {
		token: keep("a broken token", `${token.slice(0, -3)}abc`),
	});
	const home = {
		...{ recipient: person.full_name, phone: keep("a phone number", "+6281234509876") },
		line1: keep("a street", "Jalan Braga 9876"),
		...{ city: "Bandung", province: keep("a province", "Jawa Barat"), postal_code: "40115" },
	};
	expect(await post("/users/me/addresses", home, token)).toMatchObject({ line1: home.line1 });
	await post("/users/me/addresses", { ...home, postal_code: keep("a wrong postal code", "4011X") }, token);
	await post("/orders", { items: [] }, token);
	await post("/payments/webhook", { id: "evt" });
	await until("the mails", async () => {
		const mailbox = join(folder, "mailbox");
		// The names of unfinished mails begin with a dot.
		const names = existsSync(mailbox) ? readdirSync(mailbox).filter((name) => !name.startsWith(".")) : [];
		const mails = await Promise.all(
			names.map(async (name) => (await PostalMime.parse(readFileSync(join(mailbox, name)))).text ?? ""),
		);
		for (const [number, token] of mails
			.flatMap((mail) => mail.match(/(verify|reset)\.\d+\.\d+\.[\w-]+/g) ?? [])
			.entries()) {
			keep(`token ${number} of a mail`, token.split(".").at(-1) as string);
		}
		return mails.some((mail) => /reset\.\d/.test(mail));
	});
	const repl = run(folder, ["repl"], { LOG_LEVEL: "trace" }, `as ${person.email}\ncall v1.users.me\n`);
	await repl.ended();
	shop.child.kill("SIGTERM");
	await shop.ended();

	const logs = logsOf(folder, shop.output(), shop.errors(), repl.errors());
	expect(logs.length).toBeGreaterThan(10_000);
	for (const [name, secret] of secrets) {
		expect({ name, isLogged: logs.includes(secret) }).toEqual({ name, isLogged: false });
	}
	expect(logs).not.toMatch(/eyJ[\w-]{10,}\.eyJ/);
	expect(logs).not.toContain("$argon2");
	expect(logs.replaceAll(/acting as.*/g, "")).not.toContain(person.email);
	expect(logs).not.toContain(person.full_name);
});
