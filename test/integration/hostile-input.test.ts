import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { PostgresService } from "../../database/postgres-service.ts";
import { countsAsFailure } from "../../errors/kinds.ts";
import { databaseErrorMiddleware } from "../../middlewares/database-errors.ts";
import { AttackedShop } from "./attacked-shop.ts";
import { eventually, PASSWORD, startNode } from "./shop.ts";

const shop = new AttackedShop();
/** A gateway whose services run on another node, as in production. */
let door: ServiceBroker;
let addresses: Record<string, string>;

beforeAll(async () => {
	await shop.start();
	door = await startNode("api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	addresses = { [TOGETHER]: shop.address, [APART]: gatewayAddress(door.getLocalService("api")) };
});

afterAll(async () => {
	await door.stop();
	await shop.stop();
});

const TOGETHER = "with its services";
const APART = "without its services, which are on another node";

/** Runs the same tests at a gateway whose calls go over NATS. */
function atEachDoor(tests: () => void) {
	describe.each([TOGETHER, APART])("at a gateway %s,", (where) => {
		beforeAll(() => {
			shop.address = addresses[where] as string;
		});
		afterAll(() => {
			shop.address = addresses[TOGETHER] as string;
		});
		tests();
	});
}

/** Sends a request with its path unmodified; `fetch` would normalise it. */
function sendRaw(
	path: string,
	headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
	const { hostname, port } = new URL(shop.address);
	return new Promise((resolve, reject) => {
		const request = httpRequest({ hostname, port, path, headers }, (response) => {
			let text = "";
			response.on("data", (chunk) => {
				text += chunk;
			});
			response.on("end", () => resolve({ status: response.statusCode as number, text }));
		});
		request.on("error", reject);
		request.end();
	});
}

atEachDoor(() => {
	describe("injection", () => {
		const TEXTS = [
			"' OR '1'='1",
			"1; DROP TABLE users; --",
			'{"$gt": ""}',
			"$" + "{7*7}",
			"{{7*7}}",
			"<script>",
			"../../x",
			"%00",
			"\\u0000",
		];

		test.each(TEXTS)(
			"of %p into a search, a login, an id and a cursor finds nothing and breaks nothing",
			async (text) => {
				const encoded = encodeURIComponent(text);
				const answers = await Promise.all([
					shop.send("GET", `/api/v1/products?q=${encoded}`),
					shop.send("GET", `/api/v1/products?category=${encoded}`),
					shop.send("GET", `/api/v1/products?cursor=${encoded}`),
					shop.send("GET", `/api/v1/products/${encoded}`),
					shop.send("GET", `/api/v1/users/${encoded}`, { token: shop.keeper.token }),
					shop.send("GET", `/api/v1/orders/${encoded}`, { token: shop.keeper.token }),
					shop.send("GET", `/api/v1/notifications/${encoded}`, { token: shop.keeper.token }),
					shop.send("POST", "/api/v1/users/login", { body: { email: text, password: text } }),
					shop.send("POST", "/api/v1/orders", {
						token: shop.attacker.token,
						body: { items: [{ product_id: text, quantity: 1 }] },
						headers: { "idempotency-key": text.replace(/[^\x21-\x7e]/g, "x") },
					}),
				]);
				for (const { status } of answers) {
					expect([200, 400, 401, 404, 422]).toContain(status);
				}
				expect(answers[0]?.body).toEqual([]);
				await eventually("readiness", async () => (await shop.send("GET", "/health/ready")).status === 200);
			},
		);

		test.each([{ $ne: null }, { $gt: "" }, { $where: "sleep(1000)" }, ["a"], null])(
			"of %p instead of a text is refused",
			async (value) => {
				const login = await shop.send("POST", "/api/v1/users/login", {
					body: { email: value, password: value },
				});
				expect(login.status).toBe(422);
				const order = { items: [{ product_id: value, quantity: 1 }] };
				expect(
					(await shop.send("POST", "/api/v1/orders", { token: shop.attacker.token, body: order })).status,
				).toBe(422);
			},
		);

		test.each(["q[$ne]=x", "category[$gt]=", "sort[]=price", "limit[$gt]=1", "q=a&q=b", "__proto__[x]=1"])(
			"by the query string %s is refused or means nothing",
			async (query) => {
				expect([200, 422]).toContain((await shop.send("GET", `/api/v1/products?${query}`)).status);
			},
		);

		test("of lines into headers adds no header and no log line", async () => {
			for (const path of ["/api/v1/products?q=a%0d%0aSet-Cookie:%20x=1", "/%0d%0aSet-Cookie:%20x=1"]) {
				const { hostname, port } = new URL(shop.address);
				const head = await new Promise<string>((resolve) => {
					let text = "";
					const socket = connect(Number(port), hostname, () =>
						socket.write(`GET ${path} HTTP/1.1\r\nHost: toko\r\nConnection: close\r\n\r\n`),
					);
					socket.on("data", (chunk) => {
						text += chunk;
					});
					socket.on("close", () => resolve(text.slice(0, text.indexOf("\r\n\r\n"))));
				});
				expect(head.toLowerCase()).not.toContain("set-cookie");
			}
		});
	});
});

test.each([
	"/docs/assets/../../package.json",
	"/docs/assets/..%2f..%2fpackage.json",
	"/docs/assets/%2e%2e/%2e%2e/package.json",
	"//etc/passwd",
	"/dev/mailbox/..%2f..%2fsecrets",
	"/dev/mailbox/%2e%2e%2fsecrets",
	"/api/v1/users/../../../etc/passwd",
	"/api/v1/$node/services",
	"/api/v1/v1/users/contact",
	"/api/v1/v1.users.contact",
	"/v1/users/ensureAdmin",
	"/api/~node/health",
	"/%ff%fe",
	"/%",
])("the path trick %s leads nowhere", async (path) => {
	const { status, text } = await sendRaw(path);
	expect([400, 404]).toContain(status);
	expect(text).not.toMatch(/"name": "toko"|root:|toko_secret|nodeID/);
});

atEachDoor(() => {
	describe("a body that is meant to hurt", () => {
		test("a decompression bomb is refused while it is decompressed", async () => {
			const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, "a"));
			const response = await fetch(`${shop.address}/api/v1/users/login`, {
				method: "POST",
				headers: { "content-type": "application/json", "content-encoding": "gzip" },
				body: bomb,
			});
			expect(response.status).toBe(413);
		});

		test("100,000 brackets are refused", async () => {
			for (const body of ["[".repeat(100_000), `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`]) {
				expect([400, 413, 422]).toContain((await shop.send("POST", "/api/v1/users/login", { body })).status);
			}
		});

		test("texts that make careless regular expressions hang are answered at once", async () => {
			const emails = [
				`${"a".repeat(50_000)}@`,
				`${"a@".repeat(20_000)}`,
				`${"a.".repeat(30_000)}@b`,
				`${" ".repeat(50_000)}x`,
			];
			const begun = performance.now();
			for (const email of emails) {
				expect(
					(await shop.send("POST", "/api/v1/users/login", { body: { email, password: "x" } })).status,
				).toBe(422);
			}
			const q = `${"a ".repeat(3000)}!`;
			expect((await shop.send("GET", `/api/v1/products?q=${encodeURIComponent(q)}`)).status).toBe(422);
			// The gateway still serves other clients: a request deadline would have ended this one.
			expect(performance.now() - begun).toBeLessThan(10_000);
		});

		/** Sends a request more often than the circuit breaker needs to open. */
		const often = (ask: () => ReturnType<typeof shop.send>) => Promise.all(Array.from({ length: 40 }, ask));

		test.each([31, 1000, 8000, 100_000])(
			"one that is nested %i deep is refused, and no call of others with it",
			async (depth) => {
				const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
				const body = `{"email": "a@toko.test", "password": ${deep}}`;
				for (const answer of await often(() => shop.send("POST", "/api/v1/users/login", { body }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "password" }] } });
				}
				expect((await shop.send("POST", "/api/v1/orders", { body: `{"items": ${deep}}` })).status).toBe(401);
				const order = await shop.send("POST", "/api/v1/orders", {
					token: shop.attacker.token,
					body: `{"items": ${deep}}`,
				});
				expect(order.status).toBe(422);
				const login = { email: shop.attacker.email, password: PASSWORD };
				expect(await shop.send("POST", "/api/v1/users/login", { body: login })).toMatchObject({
					status: 200,
				});
			},
		);

		test("one with more errors than a response can hold gets some of them", async () => {
			const lines = { items: Array.from({ length: 80_000 }, () => ({})) };
			const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, number) => [`a${number}`, 1]));
			for (const body of [lines, names, { items: [names] }]) {
				const answer = await shop.send("POST", "/api/v1/orders", { token: shop.attacker.token, body });
				expect(answer.status).toBe(422);
				expect(answer.body.errors.length).toBeLessThanOrEqual(100);
			}
		});

		const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
		const NOBODY = "00000000-0000-0000-0000-000000000000";

		test.each([
			"0000-01-01T00:00:00Z",
			"0001-01-01T00:00:00+00:00",
			"9999-12-31T23:59:59.999999-15:59",
			"2026-01-01T00:00:00+23:59",
			"2026-02-30T00:00:00+00:00",
			`2026-01-01T00:00:00.${"1".repeat(300)}Z`,
			"2026-01-01T00:00Z",
			"infinity",
			"now",
			"",
		])("a cursor of the moment %p is refused, and no list with it", async (moment) => {
			for (const list of ["orders", "notifications"]) {
				const path = `/api/v1/${list}?cursor=${cursor(list, `${moment} ${NOBODY}`)}`;
				for (const answer of await often(() => shop.send("GET", path, { token: shop.attacker.token }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "cursor" }] } });
				}
				expect((await shop.send("GET", `/api/v1/${list}`, { token: shop.attacker.token })).status).toBe(200);
			}
		});

		test.each(["Infinity", "-Infinity", "-1e400", "1e9", "NaN", "2147483648", "1.5", "0x1", "", "' OR 1=1"])(
			"a cursor of the user %p is refused, and no list with it",
			async (id) => {
				const path = `/api/v1/users?cursor=${cursor("users", id)}`;
				for (const answer of await often(() => shop.send("GET", path, { token: shop.keeper.token }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "cursor" }] } });
				}
				expect((await shop.send("GET", "/api/v1/users?limit=1", { token: shop.keeper.token })).status).toBe(
					200,
				);
			},
		);
	});
});

test("a value that only PostgreSQL refuses is the caller's error and counts against nobody", async () => {
	const { pool } = shop.broker.getLocalService({ name: "orders", version: 1 }) as unknown as PostgresService;
	const ask = (sql: string) => {
		const action = { name: "v1.orders.list", handler: () => pool.query(sql) };
		const handler = databaseErrorMiddleware.localAction?.call(shop.broker, action.handler, action as never);
		return (handler as (ctx: object) => Promise<Error>)({ broker: shop.broker }).catch(
			(error: Error) => error,
		);
	};
	for (const sql of ["SELECT '0000-01-01'::timestamptz", "SELECT 1e10::integer", "SELECT 'x'::uuid"]) {
		const error = await ask(sql);
		expect(error).toMatchObject({ code: 422, type: "VALIDATION_FAILED" });
		expect(countsAsFailure(error)).toBe(false);
	}
	expect(countsAsFailure(await ask("SELECT nothing"))).toBe(true);
});

test("after all this the shop is as it was", () => shop.expectNoHarm());
