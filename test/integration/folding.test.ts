import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { settings } from "../../config/settings.ts";
import { fold } from "../../contracts/email.ts";

const MIGRATIONS = new URL("../../services/users/migrations/", import.meta.url);
const FOLD = "009-fold.sql";

/** Typical databases of operators, each with the migrations of the previous version. */
const LOCALES: Record<string, string> = {
	turkish: "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
	lithuanian: "LOCALE_PROVIDER icu ICU_LOCALE 'lt'",
	plain: "LOCALE 'C'",
	/** A dump of a Turkish database restored here; its unique indexes cannot be created. */
	restored: "LOCALE 'C'",
};

/** Databases with several accounts that count as the same. */
const WITH_DUPLICATES = ["turkish", "restored"];

const server = new pg.Client(settings.postgresUrl);
const databases = new Map<string, pg.Client>();

const open = (locale: string) => databases.get(locale) as pg.Client;

beforeAll(async () => {
	await server.connect();
	const files = (await readdir(MIGRATIONS)).filter((name) => name < FOLD).sort();
	for (const [locale, options] of Object.entries(LOCALES)) {
		const name = `${settings.namespace}_${locale}`;
		await server.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' ${options}`);
		const url = new URL(settings.postgresUrl);
		url.pathname = `/${name}`;
		const client = new pg.Client(url.href);
		await client.connect();
		databases.set(locale, client);
		for (const file of files) {
			await client.query(await readFile(new URL(file, MIGRATIONS), "utf8"));
		}
	}
	await open("restored").query("DROP INDEX users_email, users_username");
	const accounts = [
		["INDAH@toko.test", "INDAH", true],
		["indah@toko.test", "indah", true],
		["siti@toko.test", "Siti", true],
		["ITA@toko.test", "ITA", false],
		["IRMA@toko.test", "ıRMA", true],
	];
	for (const locale of WITH_DUPLICATES) {
		for (const account of accounts) {
			await open(locale).query(
				"INSERT INTO users (email, username, password_hash, full_name, is_active) VALUES ($1, $2, '', '', $3)",
				account,
			);
		}
	}
	const fold = await readFile(new URL(FOLD, MIGRATIONS), "utf8");
	for (const client of databases.values()) {
		await client.query(`BEGIN; ${fold}; COMMIT`);
	}
});

afterAll(async () => {
	for (const client of databases.values()) {
		await client.end();
	}
	await server.end();
});

describe.each(Object.keys(LOCALES))("in a database of the locale %s", (locale) => {
	test("text is folded as in TypeScript, every character of it", async () => {
		const texts = Array.from({ length: 0x2_ffff }, (_, code) => code)
			.filter((code) => code > 0 && (code < 0xd800 || code > 0xdfff))
			.map((code) => String.fromCodePoint(code));
		const { rows } = await open(locale).query<{ folded: string }>(
			"SELECT fold(given) AS folded FROM unnest($1::text[]) WITH ORDINALITY AS texts (given, place) ORDER BY place",
			[texts],
		);
		const wrong = texts.filter((text, place) => rows[place]?.folded !== fold(text));
		expect(wrong).toEqual([]);
	});

	test("an address and a name are taken once, whatever their case", async () => {
		const add = (email: string, username: string) =>
			open(locale).query(
				"INSERT INTO users (email, username, password_hash, full_name) VALUES ($1, $2, '', '')",
				[email, username],
			);
		await add("IDA@toko.test", "IDA");
		await expect(add("ida@TOKO.test", "other")).rejects.toMatchObject({ constraint: "users_email" });
		await expect(add("other@toko.test", "iDa")).rejects.toMatchObject({ constraint: "users_username" });
	});

	test("an address is found by its index", async () => {
		await open(locale).query("SET enable_seqscan = off");
		const { rows } = await open(locale).query("EXPLAIN SELECT * FROM users WHERE fold(email) = $$x$$");
		expect(JSON.stringify(rows)).toContain("users_email");
	});
});

test.each(WITH_DUPLICATES)(
	"%s: of two accounts that are one the usable keeps the address; that of the other is kept for the operator",
	async (locale) => {
		const { rows } = await open(locale).query(
			"SELECT id, email, username FROM users WHERE id < 6 ORDER BY id",
		);
		const placeholder = expect.stringMatching(/^duplicate-[0-9a-f-]{36}@duplicate\.invalid$/);
		expect(rows).toEqual([
			{ id: 1, email: placeholder, username: "INDAH" },
			{ id: 2, email: "indah@toko.test", username: expect.stringMatching(/^indah-[0-9a-f]{8}$/) },
			{ id: 3, email: "siti@toko.test", username: "Siti" },
			{ id: 4, email: "ITA@toko.test", username: "ITA" },
			{ id: 5, email: "IRMA@toko.test", username: "ıRMA" },
		]);
		const { rows: former } = await open(locale).query("SELECT user_id, email FROM former_emails");
		expect(former).toEqual([{ user_id: 1, email: "INDAH@toko.test" }]);
	},
);
