import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SignJWT, UnsecuredJWT } from "jose";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "../../contracts/users.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { countsAsFailure } from "../../errors/kinds.ts";
import { databaseErrorMiddleware } from "../../middlewares/database-errors.ts";
import { asService } from "../../middlewares/permissions.ts";
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
/** A gateway whose services run on another node, as in production. */
let door: ServiceBroker;
let address: string;
let addresses: Record<string, string>;
let victim: Person;
let attacker: Person;
let keeper: Person;
let product_id: string;
let order_id: string;
let notification_id: string;

beforeAll(async () => {
	shop = await startNode(...SERVICES, "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	door = await startNode("api");
	address = gatewayAddress(shop.getLocalService("api"));
	addresses = { [TOGETHER]: address, [APART]: gatewayAddress(door.getLocalService("api")) };
	[victim, attacker] = await Promise.all([newUser(shop), newUser(shop)]);
	keeper = await admin(shop);
	product_id = (await newProduct(shop, 100)).id;
	order_id = (await victim.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] })).id;
	notification_id = await eventually("a message", async () => {
		const {
			items: [found],
		} = await victim.call("v1.notifications.list", {});
		return found?.id;
	});
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
			address = addresses[where] as string;
		});
		afterAll(() => {
			address = addresses[TOGETHER] as string;
		});
		tests();
	});
}

interface Sending {
	token?: string | undefined;
	body?: unknown;
	headers?: Record<string, string>;
}

async function send(method: string, path: string, { token, body, headers = {} }: Sending = {}) {
	const response = await fetch(`${address}${path}`, {
		method,
		headers: {
			...(body === undefined ? {} : { "content-type": "application/json" }),
			...(token ? { authorization: `Bearer ${token}` } : {}),
			...headers,
		},
		...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		text,
		body: text ? JSON.parse(text) : undefined,
	};
}

/** Sends a request with its path unmodified; `fetch` would normalise it. */
function sendRaw(
	path: string,
	headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
	const { hostname, port } = new URL(address);
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

describe("forged tokens", () => {
	const claims = () => ({ role: "admin", ver: 1 });
	const now = Math.floor(Date.now() / 1000);
	const base = (changes: { iss?: string; aud?: string; exp?: number; nbf?: number; sub?: string } = {}) => {
		const token = new SignJWT(claims())
			.setIssuer(changes.iss ?? `${TOKEN_ISSUER}/${settings.namespace}`)
			.setAudience(changes.aud ?? TOKEN_AUDIENCE)
			.setSubject(changes.sub ?? String(keeper.id))
			.setIssuedAt()
			.setExpirationTime(changes.exp ?? now + 900);
		return changes.nbf ? token.setNotBefore(changes.nbf) : token;
	};
	const published = async () => (await send("GET", "/.well-known/jwks.json")).body.keys[0];
	const foreign = generateKeyPairSync("ed25519").privateKey;
	/** Returns a token with changed claims and its original signature. */
	const resigned = async (person: Person, changes: object) => {
		const [, payload] = person.token.split(".") as [string, string, string];
		const changed = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), ...changes };
		const [head, , signature] = person.token.split(".");
		return `${head}.${Buffer.from(JSON.stringify(changed)).toString("base64url")}.${signature}`;
	};

	test.each([
		["alg none", async () => new UnsecuredJWT(claims()).setSubject("1").setExpirationTime("1h").encode()],
		[
			"alg none, written NoNe",
			async () => {
				const [, payload] = attacker.token.split(".");
				return `${Buffer.from('{"alg":"NoNe"}').toString("base64url")}.${payload}.`;
			},
		],
		[
			"HS256 with the public key as its secret",
			async () => {
				const { kid, x } = await published();
				const key = createSecretKey(Buffer.from(x, "base64url"));
				return base().setProtectedHeader({ alg: "HS256", kid }).sign(key);
			},
		],
		[
			"HS256 with the published key set as its secret",
			async () => {
				const jwk = await published();
				const key = createSecretKey(Buffer.from(JSON.stringify(jwk)));
				return base().setProtectedHeader({ alg: "HS256", kid: jwk.kid }).sign(key);
			},
		],
		[
			"a foreign key under our key's id",
			async () =>
				base()
					.setProtectedHeader({ alg: "EdDSA", kid: (await published()).kid })
					.sign(foreign),
		],
		[
			"a key that it brings itself",
			async () => {
				const { privateKey, publicKey } = generateKeyPairSync("ed25519");
				const jwk = publicKey.export({ format: "jwk" }) as { kty: string };
				return base().setProtectedHeader({ alg: "EdDSA", jwk }).sign(privateKey);
			},
		],
		["another user in its claims", async () => resigned(attacker, { sub: String(keeper.id) })],
		["another role in its claims", async () => resigned(attacker, { role: "admin" })],
		[
			"another issuer",
			async () => base({ iss: "toko/users" }).setProtectedHeader({ alg: "EdDSA" }).sign(foreign),
		],
		[
			"another audience",
			async () => base({ aud: "bank" }).setProtectedHeader({ alg: "EdDSA" }).sign(foreign),
		],
		[
			"a time that is over",
			async () =>
				base({ exp: now - 60 })
					.setProtectedHeader({ alg: "EdDSA" })
					.sign(foreign),
		],
		[
			"a time to come",
			async () =>
				base({ nbf: now + 600 })
					.setProtectedHeader({ alg: "EdDSA" })
					.sign(foreign),
		],
		[
			"a path as its key's id",
			async () => base().setProtectedHeader({ alg: "EdDSA", kid: "../../etc/passwd" }).sign(foreign),
		],
		["100,000 characters", async () => `${"a".repeat(5000)}.${"b".repeat(5000)}.${"c".repeat(2000)}`],
		["nothing in it", async () => "..."],
	])("with %s open nothing", async (_, forge) => {
		const token = await forge();
		for (const [method, path] of [
			["GET", "/api/v1/users?limit=1"],
			["GET", "/api/v1/users/me"],
			["POST", "/api/v1/users/verify"],
		] as const) {
			const answer = await send(method, path, { token });
			expect({ path, status: answer.status }).toEqual({ path, status: 401 });
		}
	});

	test("a refresh token that was used before ends its whole family", async () => {
		const login = await send("POST", "/api/v1/users/login", {
			body: { email: victim.email, password: PASSWORD },
		});
		const refresh = (refresh_token: string) =>
			send("POST", "/api/v1/users/refresh", { body: { refresh_token } });
		const second = await refresh(login.body.refresh_token);
		const third = await refresh(second.body.refresh_token);
		expect((await refresh(login.body.refresh_token)).status).toBe(401);
		expect((await refresh(third.body.refresh_token)).status).toBe(401);
	});

	test("an access token is no refresh token, and the other way round", async () => {
		const login = await send("POST", "/api/v1/users/login", {
			body: { email: victim.email, password: PASSWORD },
		});
		const { refresh_token, access_token } = login.body;
		expect((await send("GET", "/api/v1/users/me", { token: refresh_token })).status).toBe(401);
		const swapped = await send("POST", "/api/v1/users/refresh", {
			body: { refresh_token: access_token.slice(0, 200) },
		});
		expect(swapped.status).toBe(401);
	});
});

describe("somebody else's", () => {
	test.each([
		["profile", "GET", () => `/api/v1/users/${victim.id}`, undefined],
		["account", "DELETE", () => `/api/v1/users/${victim.id}`, undefined],
		["order", "GET", () => `/api/v1/orders/${order_id}`, undefined],
		["order, to be cancelled", "POST", () => `/api/v1/orders/${order_id}/cancel`, undefined],
		["order, to be paid", "POST", () => `/api/v1/orders/${order_id}/pay`, {}],
		["message", "GET", () => `/api/v1/notifications/${notification_id}`, undefined],
	])("%s is not found", async (_, method, path, body) => {
		const answer = await send(method, path(), { token: attacker.token, body });
		expect(answer.status).toBe(404);
		expect(answer.text).not.toContain(victim.email);
	});

	test.each([
		["powers", "PATCH", () => `/api/v1/users/${attacker.id}`, { role: "admin" }],
		["list of users", "GET", () => "/api/v1/users", undefined],
		["product, to be changed", "PATCH", () => `/api/v1/products/${product_id}`, { price: 1 }],
		["product, to be removed", "DELETE", () => `/api/v1/products/${product_id}`, undefined],
		["stock", "PUT", () => `/api/v1/products/${product_id}/stock?quantity=5`, undefined],
		["order, to be shipped", "POST", () => `/api/v1/orders/${order_id}/ship`, undefined],
		["order, to be refunded", "POST", () => `/api/v1/orders/${order_id}/refund`, {}],
		["message, to be sent again", "POST", () => `/api/v1/notifications/${notification_id}/retry`, undefined],
		["dead letters", "GET", () => "/api/v1/dead-letters", undefined],
	])("%s is the admin's", async (_, method, path, body) => {
		expect((await send(method, path(), { token: attacker.token, body })).status).toBe(403);
		expect((await send(method, path(), { body })).status).toBe(401);
	});

	test("orders and messages are not in one's lists", async () => {
		const orders = await send("GET", `/api/v1/orders?limit=100`, { token: attacker.token });
		const messages = await send("GET", `/api/v1/notifications?limit=100`, { token: attacker.token });
		expect(orders.body).toEqual([]);
		expect(messages.body.every(({ user_id }: { user_id: number }) => user_id === attacker.id)).toBe(true);
		// The cursor of an admin reveals nothing more.
		const theirs = await send("GET", "/api/v1/orders?limit=1", { token: keeper.token });
		const cursor = /cursor=([\w-]+)/.exec(theirs.headers.get("link") ?? "")?.[1];
		const answer = await send("GET", `/api/v1/orders?cursor=${cursor}`, { token: attacker.token });
		expect(answer.body).toEqual([]);
	});
});

describe("mass assignment", () => {
	const person = () => {
		const username = `m${Math.random().toString(36).slice(2, 10)}`;
		return { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "Mala" };
	};

	test.each([
		{ role: "admin" },
		{ is_verified: true },
		{ id: 1 },
		{ session_version: 9 },
		{ password_hash: "x" },
	])("of %p is refused at registration and in one's profile", async (more) => {
		const registered = await send("POST", "/api/v1/users/register", { body: { ...person(), ...more } });
		expect(registered.status).toBe(422);
		const patched = await send("PATCH", "/api/v1/users/me", { token: attacker.token, body: more });
		expect(patched.status).toBe(422);
		expect((await send("GET", "/api/v1/users/me", { token: attacker.token })).body.role).toBe("user");
	});

	test.each([
		'{"__proto__": {"role": "admin"}}',
		'{"constructor": {"prototype": {"role": "admin"}}}',
		'{"full_name": "Mala", "__proto__": {"isAdmin": true}}',
	])("by %s changes nothing and pollutes nothing", async (body) => {
		const patched = await send("PATCH", "/api/v1/users/me", { token: attacker.token, body });
		expect([200, 422]).toContain(patched.status);
		expect(patched.body.role ?? "user").toBe("user");
		expect(({} as { role?: unknown; isAdmin?: unknown }).role).toBeUndefined();
		expect(({} as { role?: unknown; isAdmin?: unknown }).isAdmin).toBeUndefined();
	});

	test("of prices and totals in an order is refused", async () => {
		for (const item of [{ price: 1 }, { price_minor: 1 }, { subtotal: 0 }]) {
			const body = { items: [{ product_id, quantity: 1, ...item }] };
			expect((await send("POST", "/api/v1/orders", { token: attacker.token, body })).status).toBe(422);
		}
	});
});

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
					send("GET", `/api/v1/products?q=${encoded}`),
					send("GET", `/api/v1/products?category=${encoded}`),
					send("GET", `/api/v1/products?cursor=${encoded}`),
					send("GET", `/api/v1/products/${encoded}`),
					send("GET", `/api/v1/users/${encoded}`, { token: keeper.token }),
					send("GET", `/api/v1/orders/${encoded}`, { token: keeper.token }),
					send("GET", `/api/v1/notifications/${encoded}`, { token: keeper.token }),
					send("POST", "/api/v1/users/login", { body: { email: text, password: text } }),
					send("POST", "/api/v1/orders", {
						token: attacker.token,
						body: { items: [{ product_id: text, quantity: 1 }] },
						headers: { "idempotency-key": text.replace(/[^\x21-\x7e]/g, "x") },
					}),
				]);
				for (const { status } of answers) {
					expect([200, 400, 401, 404, 422]).toContain(status);
				}
				expect(answers[0]?.body).toEqual([]);
				expect((await send("GET", "/health/ready")).status).toBe(200);
			},
		);

		test.each([{ $ne: null }, { $gt: "" }, { $where: "sleep(1000)" }, ["a"], null])(
			"of %p instead of a text is refused",
			async (value) => {
				const login = await send("POST", "/api/v1/users/login", { body: { email: value, password: value } });
				expect(login.status).toBe(422);
				const order = { items: [{ product_id: value, quantity: 1 }] };
				expect((await send("POST", "/api/v1/orders", { token: attacker.token, body: order })).status).toBe(
					422,
				);
			},
		);

		test.each(["q[$ne]=x", "category[$gt]=", "sort[]=price", "limit[$gt]=1", "q=a&q=b", "__proto__[x]=1"])(
			"by the query string %s is refused or means nothing",
			async (query) => {
				expect([200, 422]).toContain((await send("GET", `/api/v1/products?${query}`)).status);
			},
		);

		test("of lines into headers adds no header and no log line", async () => {
			for (const path of ["/api/v1/products?q=a%0d%0aSet-Cookie:%20x=1", "/%0d%0aSet-Cookie:%20x=1"]) {
				const { hostname, port } = new URL(address);
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

describe("who has an account is not told", () => {
	const known = () => victim.email;
	const unknown = () => `nobody-${Math.random().toString(36).slice(2)}@toko.test`;

	test.each(["login", "forgot-password", "verify-email"])("by the answer of %s", async (path) => {
		const ask = async (email: string) => {
			const body = { email, ...(path === "login" ? { password: "not this one" } : {}) };
			const answer = await send("POST", `/api/v1/users/${path}`, { body });
			const { instance, ...told } = answer.body;
			return { status: answer.status, told };
		};
		expect(await ask(known())).toEqual(await ask(unknown()));
	});

	test("by the time that a login takes: both hash a password", async () => {
		const time = async (email: string) => {
			const begun = performance.now();
			// Called directly, since the guard would block so many attempts from one address.
			await callAction(
				shop,
				"v1.users.login",
				{ email, password: "not this one" },
				{ meta: { client: email } },
			).catch(() => undefined);
			return performance.now() - begun;
		};
		const people = await Promise.all(Array.from({ length: 8 }, () => newUser(shop)));
		let slower = 0;
		for (const { email } of people) {
			// A hash takes more than ten times as long as a table lookup.
			slower += Number((await time(email)) < 3 * (await time(unknown())));
		}
		expect(slower).toBeGreaterThanOrEqual(6);
	});
});

atEachDoor(() => {
	describe("a body that is meant to hurt", () => {
		test("a bomb of compression is refused while it unfolds", async () => {
			const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, "a"));
			const response = await fetch(`${address}/api/v1/users/login`, {
				method: "POST",
				headers: { "content-type": "application/json", "content-encoding": "gzip" },
				body: bomb,
			});
			expect(response.status).toBe(413);
		});

		test("100,000 brackets are refused", async () => {
			for (const body of ["[".repeat(100_000), `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`]) {
				expect([400, 413, 422]).toContain((await send("POST", "/api/v1/users/login", { body })).status);
			}
		});

		test("texts on which careless expressions take for ever are answered at once", async () => {
			const emails = [
				`${"a".repeat(50_000)}@`,
				`${"a@".repeat(20_000)}`,
				`${"a.".repeat(30_000)}@b`,
				`${" ".repeat(50_000)}x`,
			];
			const begun = performance.now();
			for (const email of emails) {
				expect((await send("POST", "/api/v1/users/login", { body: { email, password: "x" } })).status).toBe(
					422,
				);
			}
			const q = `${"a ".repeat(3000)}!`;
			expect((await send("GET", `/api/v1/products?q=${encodeURIComponent(q)}`)).status).toBe(422);
			// The gateway still serves other clients: a request deadline would have ended this one.
			expect(performance.now() - begun).toBeLessThan(10_000);
		});

		/** Sends a request more often than the circuit breaker needs to open. */
		const often = (ask: () => ReturnType<typeof send>) => Promise.all(Array.from({ length: 40 }, ask));

		test.each([31, 1000, 8000, 100_000])(
			"one that is nested %i deep is refused, and no call of others with it",
			async (depth) => {
				const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
				const body = `{"email": "a@toko.test", "password": ${deep}}`;
				for (const answer of await often(() => send("POST", "/api/v1/users/login", { body }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "password" }] } });
				}
				expect((await send("POST", "/api/v1/orders", { body: `{"items": ${deep}}` })).status).toBe(401);
				const order = await send("POST", "/api/v1/orders", {
					token: attacker.token,
					body: `{"items": ${deep}}`,
				});
				expect(order.status).toBe(422);
				const login = { email: attacker.email, password: PASSWORD };
				expect((await send("POST", "/api/v1/users/login", { body: login })).status).toBe(200);
			},
		);

		test("one with more mistakes than an answer can tell is told some", async () => {
			const lines = { items: Array.from({ length: 80_000 }, () => ({})) };
			const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, number) => [`a${number}`, 1]));
			for (const body of [lines, names, { items: [names] }]) {
				const answer = await send("POST", "/api/v1/orders", { token: attacker.token, body });
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
				for (const answer of await often(() => send("GET", path, { token: attacker.token }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "cursor" }] } });
				}
				expect((await send("GET", `/api/v1/${list}`, { token: attacker.token })).status).toBe(200);
			}
		});

		test.each(["Infinity", "-Infinity", "-1e400", "1e9", "NaN", "2147483648", "1.5", "0x1", "", "' OR 1=1"])(
			"a cursor of the user %p is refused, and no list with it",
			async (id) => {
				const path = `/api/v1/users?cursor=${cursor("users", id)}`;
				for (const answer of await often(() => send("GET", path, { token: keeper.token }))) {
					expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "cursor" }] } });
				}
				expect((await send("GET", "/api/v1/users?limit=1", { token: keeper.token })).status).toBe(200);
			},
		);
	});
});

test("a value that PostgreSQL refuses, should one get so far, is the caller's mistake and counts against nobody", async () => {
	const { pool } = shop.getLocalService({ name: "orders", version: 1 }) as unknown as PostgresService;
	const ask = (sql: string) => {
		const action = { name: "v1.orders.list", handler: () => pool.query(sql) };
		const handler = databaseErrorMiddleware.localAction?.call(shop, action.handler, action as never);
		return (handler as (ctx: object) => Promise<Error>)({ broker: shop }).catch((error: Error) => error);
	};
	for (const sql of ["SELECT '0000-01-01'::timestamptz", "SELECT 1e10::integer", "SELECT 'x'::uuid"]) {
		const error = await ask(sql);
		expect(error).toMatchObject({ code: 422, type: "VALIDATION_FAILED" });
		expect(countsAsFailure(error)).toBe(false);
	}
	expect(countsAsFailure(await ask("SELECT nothing"))).toBe(true);
});

test("after all this the shop is as it was", async () => {
	const { body } = await send("GET", `/api/v1/orders/${order_id}`, { token: victim.token });
	expect(body).toMatchObject({ status: "pending" });
	const { items: admins } = await callAction(shop, "v1.users.list", { limit: 100 }, asService());
	expect(admins.filter(({ role }) => role === "admin")).toHaveLength(1);
});
