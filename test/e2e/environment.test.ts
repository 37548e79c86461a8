import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "@jest/globals";
import { searchPath } from "../../config/node-env.mjs";
import { cleanUp, logIn, newFolder, run, startShop } from "../../tools/shop-process.ts";
import { startPostgres } from "../own-postgres.ts";

afterAll(cleanUp);

const repository = resolve(import.meta.dirname, "../..");
const COMMANDS = readdirSync(join(repository, "cli"))
	.filter((file) => file.endsWith(".ts"))
	.map((file) => file.slice(0, -3));

/** Variables that a shell may set for psql and other programs, each wrong for Toko. */
const SHELL = {
	PGHOST: "127.0.0.2",
	PGHOSTADDR: "127.0.0.2",
	PGPORT: "1",
	PGUSER: "nobody",
	PGPASSWORD: "wrong",
	PGDATABASE: "other",
	PGSERVICE: "none",
	PGSSLMODE: "require",
	PGSSLNEGOTIATION: "direct",
	PGOPTIONS: "-c search_path=app -c default_transaction_read_only=on",
	PGAPPNAME: "shell",
	PGTZ: "Asia/Kathmandu",
	PGDATESTYLE: "German",
	PGCLIENTENCODING: "LATIN1",
	PGCLIENT_ENCODING: "LATIN1",
	PGCONNECT_TIMEOUT: "0",
	PGBINARY: "1",
	PGREPLICATION: "database",
	PGDATA: "/nowhere",
	DATABASE_URL: "postgres://nobody@127.0.0.1:1/other",
	NODE_PG_FORCE_NATIVE: "1",
	GRAPHILE_WORKER_SCHEMA: "elsewhere",
	GRAPHILE_WORKER_DEBUG: "1",
	GRAPHILE_ENABLE_DANGEROUS_LOGS: "1",
	DEBUG: "*",
	NAPI_RS_FORCE_WASI: "error",
	TZ: "Asia/Kathmandu",
	LANG: "tr_TR.UTF-8",
	LC_ALL: "tr_TR.UTF-8",
	IP: "127.0.0.2",
	USER: "nobody",
	npm_config_dry_run: "true",
	npm_config_global: "true",
	PIP_USER: "1",
	GOOS: "windows",
};

test("the variables and files of a shell do not affect a shop with servers of its own", async () => {
	const folder = newFolder();
	const home = join(folder, "home");
	mkdirSync(home);
	writeFileSync(join(home, ".pgpass"), "*:*:*:*:wrong\n");
	chmodSync(join(home, ".pgpass"), 0o600);
	const shell = { ...SHELL, HOME: home, PGPASSFILE: join(home, ".pgpass") };
	const shop = await startShop(join(folder, "shop"), { ...shell, ADMIN_PASSWORD: "rahasia-sekali" });
	const token = await logIn(shop.request, "admin@toko.test", "rahasia-sekali");
	const [product] = (await shop.request("GET", "/api/products?in_stock=true&limit=1")).body;
	const placed = await shop.request("POST", "/api/v1/orders", {
		token,
		key: "first",
		body: { items: [{ product_id: product.id, quantity: 1 }], shipping_address: "Jl. Merdeka 1, Łódź 東京" },
	});
	expect(placed).toMatchObject({ status: 201 });
	const read = await shop.request("GET", `/api/v1/orders/${placed.body.id}`, { token });
	expect(read.body.shipping_address).toBe("Jl. Merdeka 1, Łódź 東京");
	expect(Math.abs(Date.parse(read.body.created_at) - Date.now())).toBeLessThan(60_000);
	const audit = run(join(folder, "shop"), ["audit"], shell);
	expect({ code: await audit.ended(), errors: audit.errors() }).toEqual({ code: 0, errors: "" });
	expect(shop.errors()).toBe("");
	shop.child.kill("SIGTERM");
	await shop.ended();
});

test("a shop in another currency starts without the rupiah catalogue and says how to import one", async () => {
	const shop = await startShop(newFolder(), { CURRENCY: "USD", CURRENCY_DECIMALS: "2" });
	expect(shop.output()).toMatch(
		/^left out data\/catalogue\.csv.* USD with 2 decimals; .*npm run import -- FILE/m,
	);
	expect((await shop.request("GET", "/api/products")).body).toEqual([]);
	shop.child.kill("SIGTERM");
	await shop.ended();
});

test("a start on a database whose locale confuses letters ends with one line that names it", async () => {
	const server = await startPostgres(
		"--locale-provider=icu",
		"--icu-locale=tr-TR",
		"--locale=C",
		"--encoding=UTF8",
	);
	await server.query("CREATE DATABASE toko_users");
	const shop = run(newFolder(), ["start"], { POSTGRES_URL: server.url });
	expect(await shop.ended()).toBe(1);
	expect(shop.errors().trim().split("\n")).toEqual([
		expect.stringMatching(
			/^toko: the database toko_users has a locale in which "i" is not the lowercase of "I": /,
		),
	]);
	expect(shop.errors() + shop.output()).not.toContain("geheim");
	await server.stop();
});

test("PGSSLMODE, which is ignored, leads to a warning to request TLS in POSTGRES_URL", async () => {
	const start = async (query: string) => {
		const POSTGRES_URL = `postgres://toko:geheim@127.0.0.1:1/postgres${query}`;
		const command = run(newFolder(), ["start"], { POSTGRES_URL, PGSSLMODE: "verify-full" });
		await command.ended();
		return command.errors();
	};
	expect(await start("")).toMatch(
		/^warning: PGSSLMODE does not count: add sslmode=verify-full to POSTGRES_URL/,
	);
	expect(await start("?sslmode=disable")).not.toContain("warning");
});

describe("NODE_ENV with another value than development, test or production", () => {
	test.each(["prod", "Production", " production", "staging"])(
		"%j is refused by name before anything starts",
		async (value) => {
			const command = run(newFolder(), ["start"], { NODE_ENV: value });
			expect(await command.ended()).toBe(1);
			expect(command.output()).toBe("");
			expect(command.errors()).toBe(
				`NODE_ENV must be development, test, production or unset, not ${JSON.stringify(value)}\n`,
			);
		},
	);

	test.each(COMMANDS)("is checked by %s before it loads anything else", (command) => {
		const program = readFileSync(join(repository, "cli", `${command}.ts`), "utf8");
		expect(/^import .*/m.exec(program)?.[0]).toBe('import "./startup/startup-checks.ts";');
	});

	test("is refused where a container runs a command directly", async () => {
		const child = spawn(process.execPath, [join(repository, "cli/node.ts")], {
			env: { PATH: searchPath, TOKO_DIR: newFolder(), NODE_ENV: "prod" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		const ended = new Promise((done) => child.once("close", done));
		expect(await text(child.stderr)).toMatch(/^toko: NODE_ENV must be [^\n]* not "prod"\n$/);
		expect(await ended).toBe(1);
	});
});

describe("the file .env", () => {
	/** Creates a checkout with its own copy of `cli` and of the file. */
	function checkout(bytes?: Buffer | string): string {
		const root = newFolder();
		for (const entry of readdirSync(repository)) {
			if (![".env", ".git", ".toko", "cli"].includes(entry)) {
				symlinkSync(join(repository, entry), join(root, entry));
			}
		}
		cpSync(join(repository, "cli"), join(root, "cli"), { recursive: true });
		if (bytes !== undefined) {
			writeFileSync(join(root, ".env"), bytes);
		}
		return root;
	}

	async function start(root: string, environment: Record<string, string> = {}) {
		const child = spawn("node", [join(root, "cli/run.mjs"), "start"], {
			env: { PATH: searchPath, TOKO_DIR: newFolder(), ...environment },
			stdio: ["ignore", "pipe", "pipe"],
		});
		const ended = new Promise((done) => child.once("close", done));
		return { errors: await text(child.stderr), code: await ended };
	}

	test("with a byte order mark is read from its first variable on", async () => {
		const { errors, code } = await start(checkout("\ufeffPORT=first\n"));
		expect({ errors, code }).toEqual({
			errors: 'toko: PORT must be a number from 0 to 65535, not "first"\n',
			code: 1,
		});
	});

	test("is overridden by the environment", async () => {
		const { errors } = await start(checkout("PORT=file\n"), { PORT: "shell" });
		expect(errors).toContain('not "shell"');
	});

	test("decides NODE_ENV as well", async () => {
		const { errors } = await start(checkout("NODE_ENV=prod\n"));
		expect(errors).toMatch(/^NODE_ENV must be .* not "prod"\n$/);
	});

	test.each<[string, Buffer | string, RegExp]>([
		["UTF-16", Buffer.from("\ufeffPORT=1\n", "utf16le"), /\.env is UTF-16 or no text: save it as UTF-8\n$/],
		[
			"a line that is none",
			"PORT=1\r\nADMIN_PASSWORD geheim\r\n",
			/\.env, line 2: write NAME=value[^\n]*\n$/,
		],
		[
			"bytes of Windows-1252",
			Buffer.from("A=1\nB=caf\u00e9\n", "latin1"),
			/\.env, line 2 is not UTF-8[^\n]*\n$/,
		],
	])("is refused in one line where it is %s", async (_, bytes, expected) => {
		const { errors, code } = await start(checkout(bytes));
		expect(code).toBe(1);
		expect(errors).toMatch(expected);
		expect(errors.trim().split("\n")).toHaveLength(1);
		expect(errors).not.toContain("geheim");
	});

	test("is refused in one line where it is a folder, or a link to nothing", async () => {
		const folder = checkout();
		mkdirSync(join(folder, ".env"));
		expect((await start(folder)).errors).toMatch(/^cannot read \S+\/\.env: it is a folder[^\n]*\n$/);
		const link = checkout();
		symlinkSync(join(link, "gone"), join(link, ".env"));
		expect((await start(link)).errors).toMatch(/^cannot read \S+\/\.env: it is a link to a file[^\n]*\n$/);
	});
});
