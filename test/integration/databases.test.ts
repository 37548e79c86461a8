import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { replaceSettings, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { PostgresClient } from "../../database/postgres-client.ts";
import { creation } from "../../database/postgres-database.ts";
import { checkConnection } from "../../infra/connection-checks.ts";
import { postgres } from "../../mixins/postgres.ts";
import { type OwnPostgres, startPostgres } from "../own-postgres.ts";
import { setVariables } from "../variables.ts";
import { PASSWORD, startNode } from "./shop.ts";

const given = settings.variables;
const started: ServiceBroker[] = [];

afterEach(async () => {
	await Promise.all(started.splice(0).map((broker) => broker.stop()));
	replaceSettings(given);
});

/** Creates a separate shop on a server: a role that may create databases, nothing else. Returns its name. */
async function newShop(server: OwnPostgres): Promise<string> {
	const name = `test_${randomUUID().slice(0, 8)}`;
	await server.query(`CREATE ROLE ${name} LOGIN CREATEDB PASSWORD 'geheim'`);
	const url = new URL(server.url);
	url.username = name;
	url.search = "?connect_timeout=60";
	setVariables({ POSTGRES_URL: url.href, TOKO_NAMESPACE: name });
	return name;
}

async function start(...names: string[]): Promise<ServiceBroker> {
	const broker = await startNode(...names);
	started.push(broker);
	return broker;
}

/** Returns the reason why a service does not start on its database. */
async function refusal(): Promise<string | undefined> {
	const broker = new ServiceBroker({ logger: false });
	const migrations = new URL("../../services/users/migrations/", import.meta.url);
	broker.createService({ name: "users", mixins: [postgres({ database: "users", migrations })] });
	try {
		await broker.start();
		return undefined;
	} catch (error) {
		return (error as Error).message;
	} finally {
		await broker.stop();
	}
}

describe.each([
	["ICU's Turkish", ["--locale-provider=icu", "--icu-locale=tr-TR", "--locale=C", "--encoding=UTF8"]],
	["LATIN1", ["--locale=C", "--encoding=LATIN1"]],
	["SQL_ASCII", ["--locale=C", "--encoding=SQL_ASCII"]],
])("on a server whose template is %s", (_, options) => {
	let server: OwnPostgres;
	beforeAll(async () => {
		server = await startPostgres(...options);
	});
	afterAll(() => server.stop());

	test("a shop's databases are in UTF-8, people log in whatever the case, and text comes back as it was", async () => {
		const name = await newShop(server);
		const broker = await start("users", "orders", "notifications");
		const person = { username: "indah", full_name: "Ĺódź İçöz 東京 🛒", password: PASSWORD };
		await callAction(broker, "v1.users.register", { ...person, email: "INDAH@toko.test" });
		const { access_token: token } = await callAction(broker, "v1.users.login", {
			email: "indah@toko.test",
			password: PASSWORD,
		});
		const again = callAction(broker, "v1.users.register", {
			...person,
			email: "Indah@toko.test",
			username: "other",
		});
		await expect(again).rejects.toMatchObject({ type: "EMAIL_TAKEN" });
		const own = await callAction(broker, "v1.users.me", {}, { meta: { token } });
		expect(own.full_name).toBe(person.full_name);
		const made = await server.query(
			`SELECT DISTINCT pg_encoding_to_char(encoding) AS encoding, datlocprovider, datcollate, datctype, datlocale
			FROM pg_database WHERE datname LIKE '${name}\\_%'`,
		);
		expect(made).toEqual([
			{ encoding: "UTF8", datlocprovider: "b", datcollate: "C", datctype: "C", datlocale: "C.UTF-8" },
		]);
	});

	test("a database that was made from that template is refused in one line, with the cure", async () => {
		const name = await newShop(server);
		await server.query(`CREATE DATABASE ${name}_users OWNER ${name}`);
		expect(await refusal()).toMatch(
			new RegExp(
				`^the database ${name}_users has (a locale in which "i" is not the lowercase of "I"|the encoding (LATIN1|SQL_ASCII), not UTF8): .*CREATE DATABASE "${name}_users" TEMPLATE template0 ENCODING 'UTF8' [^\\n]*$`,
			),
		);
	});
});

describe("on a server in UTF-8", () => {
	let server: OwnPostgres;
	beforeAll(async () => {
		server = await startPostgres(
			"--locale-provider=icu",
			"--icu-locale=en-US",
			"--locale=C",
			"--encoding=UTF8",
		);
	});
	afterAll(() => server.stop());

	test("a database that was made from an ordinary template works", async () => {
		const name = await newShop(server);
		await server.query(`CREATE DATABASE ${name}_users OWNER ${name}`);
		await start("users");
	});

	test("is reached by its socket, with the password in the URL or not at all", async () => {
		await newShop(server);
		const { username, port } = new URL(settings.postgresUrl);
		const place = `/postgres?host=${encodeURIComponent(server.folder)}&port=${port}`;
		setVariables({ POSTGRES_URL: `postgres://${username}:geheim@${place}` });
		expect(await checkConnection("POSTGRES_URL", settings.postgresUrl)).toBe(server.folder);
		expect(await refusal()).toBeUndefined();
		await expect(checkConnection("POSTGRES_URL", `postgres://${username}@${place}`)).rejects.toThrow(
			/it asks for a password\): put the password into the URL/,
		);
	});

	test("the commands for older servers make databases in UTF-8", async () => {
		for (const version of [130_000, 150_000]) {
			const name = `older_${version}`;
			// The template database of this server has a locale provider that older servers may not support.
			const sql = creation(name, version).replace("LC_COLLATE", "LOCALE_PROVIDER libc LC_COLLATE");
			await server.query(version < 150_000 ? sql : creation(name, version));
			const [made] = await server.query(
				`SELECT pg_encoding_to_char(encoding) AS encoding, datctype FROM pg_database WHERE datname = '${name}'`,
			);
			expect(made).toEqual({ encoding: "UTF8", datctype: "C" });
		}
	});

	test("settings of a role change nothing that is written or read", async () => {
		const name = await newShop(server);
		for (const setting of [
			"search_path = app",
			"timezone = 'Asia/Kathmandu'",
			"datestyle = 'German, DMY'",
			"intervalstyle = 'sql_standard'",
			"bytea_output = 'escape'",
			"extra_float_digits = -15",
			"standard_conforming_strings = off",
			"array_nulls = off",
			"transform_null_equals = on",
			"row_security = off",
			"default_transaction_isolation = 'serializable'",
			"default_transaction_deferrable = on",
			"client_encoding = 'LATIN1'",
			// The migrations of Graphile and of Toko take longer.
			"statement_timeout = '500ms'",
			"lock_timeout = '1ms'",
		]) {
			await server.query(`ALTER ROLE ${name} SET ${setting}`);
		}
		const broker = await start("users");
		const before = Date.now();
		const made = await callAction(broker, "v1.users.register", {
			email: `${name}@toko.test`,
			username: name,
			password: PASSWORD,
			full_name: "back\\slash 'quote' Łódź",
		});
		expect(made.full_name).toBe("back\\slash 'quote' Łódź");
		expect(Math.abs(Date.parse(made.created_at) - before)).toBeLessThan(60_000);
		const tables = await server.query(
			"SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('users', 'outbox', 'signing_keys')",
			`${name}_users`,
		);
		expect(tables).toEqual([{ schemaname: "public" }]);
	});

	test("a session in a transaction may be idle for 5 s, unless the operator has set another time", async () => {
		const name = await newShop(server);
		const limits = async () => {
			const client = new PostgresClient({ connectionString: settings.postgresUrl });
			await client.connect();
			const { rows } = await client.query(
				"SELECT current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('transaction_timeout') AS whole",
			);
			await client.end();
			return rows[0];
		};
		expect(await limits()).toEqual({ idle: "5s", whole: "5min" });
		await server.query(`ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '1s'`);
		expect(await limits()).toEqual({ idle: "1s", whole: "5min" });
	});

	test("tables that a role's search_path put into another schema are found, with the cure", async () => {
		const name = await newShop(server);
		setVariables({ POSTGRES_URL: `${settings.postgresUrl}&options=-c%20search_path%3Dapp` });
		await server.query(`CREATE DATABASE ${name}_users OWNER ${name}`);
		await server.query(`CREATE SCHEMA app AUTHORIZATION ${name}`, `${name}_users`);
		await start("users");
		const tables = await server.query(
			"SELECT schemaname FROM pg_tables WHERE tablename = 'users'",
			`${name}_users`,
		);
		expect(tables).toEqual([{ schemaname: "app" }]);
		setVariables({ POSTGRES_URL: settings.postgresUrl.replace(/&options.*/, "") });
		expect(await refusal()).toMatch(/in its schema app: add options=-c%20search_path%3Dapp to POSTGRES_URL/);
	});

	test("a database that is read only is refused, with the cure", async () => {
		const name = await newShop(server);
		await server.query(`CREATE DATABASE ${name}_users OWNER ${name}`);
		await server.query(`ALTER DATABASE ${name}_users SET default_transaction_read_only = on`);
		expect(await refusal()).toMatch(/_users is read-only: name the primary/);
	});
});
