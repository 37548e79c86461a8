import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SMTPServer } from "smtp-server";
import { namedServices } from "../../hosting/services.ts";
import { startMongoStandIn } from "../../infra/mongo-stand-in.ts";
import {
	type Command,
	client,
	freePort,
	logIn,
	type Request,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { type OwnPostgres, startPostgres } from "../own-postgres.ts";
import { testMongoUrl } from "../variables.ts";
import { compose, filledIn, makeSecrets, startNats } from "./compose.ts";
import { image } from "./image.ts";
import { ImageCopy } from "./image-copy.ts";

// A shop from the files of the image, without Docker: each service runs as its container does, with the environment of
// docker-compose.yml, and so does what an operator runs.

const repository = resolve(import.meta.dirname, "../..");
const copy = new ImageCopy();

beforeAll(() => copy.make());
afterAll(() => copy.remove());

if (testMongoUrl) {
	describe("a shop", runsFromTheImage);
} else {
	notRun("a shop from the image's files", "this machine has no MongoDB-compatible server");
}

function runsFromTheImage() {
	let secrets: Record<string, string>;
	let postgres: OwnPostgres;
	let nats: ChildProcess;
	let mongo: Awaited<ReturnType<typeof startMongoStandIn>>;
	let mails: SMTPServer;
	let addresses: Record<string, string>;
	let shop: Map<string, Command>;
	let request: Request;
	let imported: Awaited<ReturnType<typeof copy.result>>;
	/** Addresses that the mail server refuses for good. */
	const refused = new Set<string>();
	const delivered: string[] = [];

	beforeAll(async () => {
		secrets = makeSecrets(copy.folder);
		const natsPort = await freePort();
		[postgres, nats, mongo] = await Promise.all([
			startPostgres("--encoding=UTF8", "--locale=C"),
			startNats(copy.folder, secrets, natsPort),
			startMongoStandIn(join(copy.folder, "mongo"), () => undefined),
		]);
		await makeRole();
		mails = await startMailServer();
		addresses = {
			"nats:4222": `127.0.0.1:${natsPort}`,
			"postgres:5432": new URL(postgres.url).host,
		};
		shop = new Map(namedServices("").map((name) => [name, copy.node(entrypoint(name), environmentOf(name))]));
		await Promise.all([...shop.values()].map((service) => service.line(/^joined /)));
		request = client(await gateway());
		await until("the shop to be ready", async () => (await request("GET", "/health/ready")).status === 200);
		imported = await operator("api", "cli/import.ts", "data/catalogue.csv");
	});

	afterAll(async () => {
		for (const { child } of shop?.values() ?? []) {
			child.kill("SIGTERM");
		}
		await Promise.all([...(shop?.values() ?? [])].map((service) => service.ended()));
		nats?.kill();
		await Promise.all([
			mongo?.stop(),
			postgres?.stop(),
			new Promise((done) => mails.close(() => done(null))),
		]);
	});

	/** The role that the compose file makes, by the same SQL. */
	async function makeRole(): Promise<void> {
		const sql = /^CREATE ROLE .*$/m.exec(compose.configs["postgres-role"]?.content ?? "")?.[0] ?? "";
		await postgres.query(sql.replace(":'password'", `'${secrets.POSTGRES_PASSWORD}'`));
	}

	async function startMailServer(): Promise<SMTPServer> {
		const server = new SMTPServer({
			authOptional: true,
			disabledCommands: ["STARTTLS"],
			onRcptTo({ address }, _session, done) {
				const refusal = Object.assign(new Error("no such mailbox"), { responseCode: 550 });
				done(refused.has(address) ? refusal : undefined);
			},
			onData(stream, { envelope }, done) {
				delivered.push(...envelope.rcptTo.map(({ address }) => address));
				stream.resume().on("end", done);
			},
		});
		server.on("error", () => undefined);
		await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
		return server;
	}

	function entrypoint(name: string): string[] {
		return [...image.entrypoint.slice(1), ...(compose.services[name]?.command ?? [])];
	}

	/** Environment of a container in the compose file, with the addresses and ports of this machine. */
	function environmentOf(container: string): Record<string, string> {
		const given = Object.entries(compose.services[container]?.environment ?? {}).map(([name, value]) => {
			let text = filledIn(String(value), secrets);
			for (const [there, here] of Object.entries(addresses)) {
				text = text.replace(`@${there}`, `@${here}`);
			}
			return [name, text] as const;
		});
		const { MONGO_URL, SMTP_URL, ...rest } = Object.fromEntries(given);
		const { port } = mails.server.address() as AddressInfo;
		return {
			...rest,
			// The stand-in knows no users.
			...(MONGO_URL ? { MONGO_URL: mongo.url } : {}),
			...(SMTP_URL ? { SMTP_URL: `smtp://127.0.0.1:${port}` } : {}),
			...{ HOST: "127.0.0.1", PORT: "0", HEALTH_PORT: "0" },
			NODE_EXTRA_CA_CERTS: join(secrets.NATS_CERTIFICATES as string, "ca.pem"),
		};
	}

	/** Runs a program with the environment of a container, as `docker compose run` and `kubectl exec` do. */
	function operator(container: string, ...args: string[]) {
		return copy.result(args, environmentOf(container));
	}

	async function gateway(): Promise<string> {
		const line = await (shop.get("api") as Command).line(/^gateway at /);
		return line.slice("gateway at ".length).trim();
	}

	async function order(token: string): Promise<{ id: string; number: string }> {
		const [product] = (await request("GET", "/api/v1/products?in_stock=true&limit=1")).body;
		const body = { items: [{ product_id: product.id, quantity: 1 }] };
		const placed = await request("POST", "/api/v1/orders", { token, body });
		expect(placed).toMatchObject({ status: 201 });
		return placed.body;
	}

	/** Output of an operator's command that succeeds. */
	function printed(pattern: RegExp) {
		return { code: 0, errors: "", output: expect.stringMatching(pattern) };
	}

	test.each(namedServices(""))(
		"%s is healthy by the image's own check, and logs no warning",
		async (name) => {
			const service = shop.get(name) as Command;
			const health = (await service.line(/^health at /)).slice("health at ".length).trim();
			await until("readiness", async () => (await fetch(health)).status === 200);
			const [, ...check] = image.healthcheck;
			expect(await copy.result(check, { HEALTH_PORT: new URL(health).port })).toMatchObject({ code: 0 });
			expect(service.errors()).toBe("");
			// The gateway logs the checks of `until` before the shop is ready.
			const lines = service.output().replaceAll(/^.*"msg":"GET \/health\/ready 503 .*$/gm, "");
			expect(lines).not.toMatch(/"level":[456]0|warning/);
		},
	);

	test("the catalogue is imported, and a second time nothing changes", async () => {
		expect(imported).toEqual(printed(/^[1-9]\d* created, 0 updated, 0 unchanged, 0 refused/));
		expect(await operator("products", "cli/import.ts", "data/catalogue.csv")).toEqual(
			printed(/^0 created, 0 updated, [1-9]\d* unchanged, 0 refused/),
		);
	});

	test("a move of products without a writable folder is refused in one line", async () => {
		expect(await operator("products", "cli/products.ts", "move", "--from", "MONGO_URL")).toEqual({
			...{ code: 1, output: "", errors: expect.stringMatching(/^toko: cannot use .*; .* TOKO_DIR .*\n$/) },
		});
	});

	test("a customer orders and pays by REST, and gets the mails", async () => {
		const token = await signUp(request, "budi");
		const { id } = await order(token);
		const paid = await request("POST", `/api/v1/orders/${id}/pay`, { token });
		expect(paid).toMatchObject({ status: 200 });
		await until("welcome, confirmation and receipt", () => {
			return delivered.filter((address) => address === "budi@toko.test").length === 3;
		});
	});

	test("the API's pages are there, with the scripts that they load", async () => {
		const address = await gateway();
		for (const path of ["/docs", "/redoc"]) {
			const page = await (await fetch(`${address}${path}`)).text();
			const scripts = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, source]) => source as string);
			expect(scripts.length).toBeGreaterThan(0);
			for (const script of scripts) {
				expect({ script, status: (await fetch(new URL(script, `${address}${path}`))).status }).toEqual({
					script,
					status: 200,
				});
			}
		}
	});

	test("status shows all services, also by npm's script", async () => {
		const answers = await Promise.all([
			operator("api", "cli/status.ts"),
			operator("api", "cli/run.mjs", "status"),
		]);
		for (const answer of answers) {
			expect(answer).toEqual(printed(/^ready$/m));
			expect(namedServices("").filter((name) => !answer.output.includes(name))).toEqual([]);
		}
	});

	test("admin makes an admin who can log in", async () => {
		const made = await operator("api", "cli/admin.ts", "ani@toko.test");
		expect(made).toEqual(printed(/^made the admin ani@toko\.test, password \S+ /));
		const password = /password (\S+)/.exec(made.output)?.[1] as string;
		const token = await logIn(request, "ani@toko.test", password);
		expect((await request("GET", "/api/v1/users", { token })).status).toBe(200);
	});

	test("the REPL takes commands from a pipe", async () => {
		const { number } = await order(await signUp(request, "citra"));
		const lines = ["as citra@toko.test", "call v1.users.me", `order ${number}`, "stock KOP-0001", "nodes"];
		const environment = environmentOf("api");
		const answer = await copy.result(["cli/repl.ts"], environment, `${lines.join("\n")}\n`);
		expect(answer).toMatchObject({ code: 0, errors: "" });
		// In containers all have the same process id.
		const itself = `repl-${hostname()}-`;
		for (const expected of ["citra@toko.test", number, "KOP-0001", itself]) {
			expect(answer.output).toContain(expected);
		}
	});

	test("mails lists permanently failed messages, and sends them again", async () => {
		refused.add("dewi@toko.test");
		await signUp(request, "dewi");
		await until("the mail to fail", async () =>
			/^welcome +1 /m.test((await operator("api", "cli/mails.ts")).output),
		);
		refused.clear();
		expect(await operator("api", "cli/mails.ts", "retry", "--type", "welcome")).toEqual(
			printed(/^1 messages are queued again$/m),
		);
		await until("the mail to arrive", () => delivered.includes("dewi@toko.test"));
	});

	test("dead letters are listed and handled", async () => {
		const inNotifications = (sql: string) => postgres.query(sql, "toko_notifications");
		await inNotifications(`
			CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
			CREATE TRIGGER refuse BEFORE INSERT ON notifications FOR EACH ROW
				WHEN (NEW.type = 'order_cancelled') EXECUTE FUNCTION refuse()`);
		const token = await signUp(request, "eka");
		const { id } = await order(token);
		expect((await request("POST", `/api/v1/orders/${id}/cancel`, { token })).status).toBe(200);
		await until(
			"a dead letter",
			async () => (await inNotifications("SELECT 1 FROM dead_letters")).length > 0,
		);
		expect(await operator("api", "cli/dead-letters.ts")).toEqual(printed(/order\.cancelled .*not today/));
		await inNotifications("DROP FUNCTION refuse CASCADE");
		expect(await operator("api", "cli/dead-letters.ts", "retry", "all")).toEqual(
			printed(/^order\.cancelled \S+ was handled$/m),
		);
	});

	test("rotate-keys makes a new key, and revokes the old ones", async () => {
		expect(await operator("api", "cli/rotate-keys.ts")).toEqual(printed(/^key \S+ signs access tokens/));
		expect(await operator("api", "cli/rotate-keys.ts", "--revoke")).toEqual(
			printed(/^key \S+ signs .* within a minute no others count/),
		);
	});

	test("the audit finds no breach, in the container that is there for it", async () => {
		await order(await signUp(request, "fitri"));
		const audit = (compose.services.audit?.entrypoint ?? []).slice(1);
		expect(await operator("audit", ...audit)).toEqual(printed(/^no breach$/m));
		expect(await operator("audit", ...audit, "--repair", "--accept-restore")).toEqual(
			printed(/^no breach$/m),
		);
	});

	test("orders and products are exported, in the container that has the addresses of all databases", async () => {
		await order(await signUp(request, "gita"));
		for (const what of ["orders", "products"]) {
			expect(await operator("audit", "cli/export.ts", what)).toEqual({
				...{ code: 0, output: expect.stringMatching(/^\w+,\w+,.*\r\n.+\r\n/) },
				errors: expect.stringMatching(new RegExp(`^exported [1-9]\\d* ${what}\\n$`)),
			});
		}
	});

	test("every command that the documents run in a container is one of these", () => {
		const texts = ["README.md", "ops/kubernetes/README.md"].map((file) =>
			readFileSync(join(repository, file), "utf8"),
		);
		const named = texts.join("\n").matchAll(/(?:docker compose .*|kubectl .*) (?:node )?cli\/([\w-]+)\.ts/g);
		const tested = readFileSync(import.meta.filename, "utf8");
		const names = [...named].map(([, name]) => name);
		expect(names.length).toBeGreaterThan(2);
		expect(names.filter((name) => !tested.includes(`"cli/${name}.ts"`))).toEqual([]);
	});
}
