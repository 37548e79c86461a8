import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import {
	cleanUp,
	freePort,
	logIn,
	newFolder,
	processesOf,
	run,
	startShop,
	until,
} from "../../tools/shop-process.ts";

afterAll(cleanUp);

test("npm start brings up a shop, ends at SIGTERM without a trace, and has its data at the next start", async () => {
	const folder = newFolder();
	const first = await startShop(folder);
	const output = first.output();
	expect(output).toMatch(/^API +http:\/\/127\.0\.0\.1:\d+\/api\/v1/m);
	expect(output).toMatch(/^Docs +http/m);
	expect(output).toMatch(/^PostgreSQL +embedded PostgreSQL 18/m);
	expect(output).toMatch(/^NATS +nats-server/m);
	expect(output).toMatch(/^Products +NeDB file/m);
	const password = /^Admin +admin@toko\.test, password (\S+) \(shown only now\)/m.exec(output)?.[1] as string;
	await until("readiness", async () => (await first.request("GET", "/health/ready")).status === 200);
	const categories = (await first.request("GET", "/api/products/categories")).body;
	expect(categories.length).toBeGreaterThanOrEqual(10);
	const last = await first.request("GET", "/api/products?skip=299&limit=1");
	expect(last.body).toHaveLength(1);
	const token = await logIn(first.request, "admin@toko.test", password);
	const { id } = last.body[0];
	await first.request("PUT", `/api/products/${id}/stock?quantity=777`, { token });
	const stock = (await first.request("GET", `/api/products/${id}`)).body.stock;

	const asked = Date.now();
	first.child.kill("SIGTERM");
	expect(await first.ended()).toBe(0);
	expect(Date.now() - asked).toBeLessThan(20_000);
	await until("no process to be left", () => processesOf(folder).length === 0);

	const second = await startShop(folder);
	expect(second.output()).not.toMatch(/^Admin/m);
	expect(second.output()).not.toContain("loaded the catalogue");
	expect((await second.request("GET", `/api/products/${id}`)).body.stock).toBe(stock);
	await logIn(second.request, "admin@toko.test", password);
	console.info(`ready after ${first.ready_ms} ms the first time, ${second.ready_ms} ms the second`);

	// Like Ctrl-C in a terminal: the whole foreground process group receives the signal.
	process.kill(-(second.child.pid as number), "SIGINT");
	await second.ended();
	await until("no process to be left", () => processesOf(folder).length === 0);
});

describe("a start that cannot be", () => {
	const refusals: [string, Record<string, string>, RegExp][] = [
		["PORT is no number", { PORT: "abc" }, /PORT must be a number/],
		["SERVICES names an unknown one", { SERVICES: "users,carts" }, /no service "carts".*users, products/],
		[
			"PostgreSQL does not answer",
			{ POSTGRES_URL: "postgres://x:geheim@127.0.0.1:1/z" },
			/POSTGRES_URL: cannot reach 127\.0\.0\.1:1/,
		],
		["POSTGRES_URL is none", { POSTGRES_URL: "localhost:geheim" }, /POSTGRES_URL/],
		["NATS does not answer", { NATS_URL: "nats://x:geheim@127.0.0.1:1" }, /NATS_URL: cannot reach/],
		["MongoDB does not answer", { MONGO_URL: "mongodb://x:geheim@127.0.0.1:1" }, /MONGO_URL: cannot reach/],
		[
			"nothing is given in production",
			{ NODE_ENV: "production" },
			/set NATS_URL, TOKO_SECRET, POSTGRES_URL, MONGO_URL, PAYMENT_WEBHOOK_SECRET, SMTP_URL$/,
		],
		[
			"text messages are not signed in production",
			{ NODE_ENV: "production", SMS_URL: "https://toko:geheim@sms.example" },
			/set .*SMTP_URL, SMS_SECRET$/,
		],
	];

	test.each(refusals)("says so in one line and ends with 1 where %s", async (_, environment, expected) => {
		const folder = newFolder();
		const command = run(folder, ["start"], environment);
		expect(await command.ended()).toBe(1);
		const lines = command.errors().trim().split("\n");
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatch(expected);
		expect(command.errors() + command.output()).not.toContain("geheim");
		await until("no process to be left", () => processesOf(folder).length === 0);
	});

	test("says so where the port is in use", async () => {
		const port = await freePort();
		const other = createServer().listen(port, "127.0.0.1");
		const command = run(newFolder(), ["start"], { PORT: String(port) });
		expect(await command.ended()).toBe(1);
		expect(command.errors()).toMatch(new RegExp(`^toko: port ${port} is in use`));
		other.close();
	});

	test("says so where another program takes the port meanwhile, and stops its servers", async () => {
		const [folder, port] = [newFolder(), await freePort()];
		const command = run(folder, ["start"], { PORT: String(port) });
		await until("the first server", () => existsSync(join(folder, "parts.json")));
		const other = createServer().listen(port, "127.0.0.1");
		const code = await command.ended();
		other.close();
		expect({ code, errors: command.errors() }).toEqual({
			code: 1,
			errors: `toko: Port ${port} is already in use!\n`,
		});
		// The process that sends messages may finish its work.
		await until("nothing to be left", () => processesOf(folder).length === 0);
	});

	test("says so where the folder cannot be made", async () => {
		const file = join(newFolder(), "file");
		writeFileSync(file, "");
		const command = run(join(file, "toko"), ["start"]);
		expect(await command.ended()).toBe(1);
		expect(command.errors().trim().split("\n")).toHaveLength(1);
	});

	test.each([
		["repl", []],
		["node", ["orders"]],
		["import", ["data/catalogue.csv"]],
	])("npm run %s says that no shop is running", async (name, rest) => {
		const command = run(newFolder(), [name, ...rest]);
		expect(await command.ended()).toBe(1);
		expect(command.errors()).toMatch(/^toko: no shop is running in .*npm start/m);
	});
});
