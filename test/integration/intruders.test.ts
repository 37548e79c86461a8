import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SignJWT, UnsecuredJWT } from "jose";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "../../contracts/users.ts";
import { AttackedShop } from "./attacked-shop.ts";
import { eventually, newUser, PASSWORD, type Person } from "./shop.ts";

const shop = new AttackedShop();
let notification_id: string;

beforeAll(async () => {
	await shop.start();
	notification_id = await eventually("a message", async () => {
		const { items } = await shop.victim.call("v1.notifications.list", {});
		return items[0]?.id;
	});
});

afterAll(() => shop.stop());

describe("forged tokens", () => {
	const claims = () => ({ role: "admin", ver: 1 });
	const now = Math.floor(Date.now() / 1000);
	const base = (changes: { iss?: string; aud?: string; exp?: number; nbf?: number; sub?: string } = {}) => {
		const token = new SignJWT(claims())
			.setIssuer(changes.iss ?? `${TOKEN_ISSUER}/${settings.namespace}`)
			.setAudience(changes.aud ?? TOKEN_AUDIENCE)
			.setSubject(changes.sub ?? String(shop.keeper.id))
			.setIssuedAt()
			.setExpirationTime(changes.exp ?? now + 900);
		return changes.nbf ? token.setNotBefore(changes.nbf) : token;
	};
	const published = async () => (await shop.send("GET", "/.well-known/jwks.json")).body.keys[0];
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
				const [, payload] = shop.attacker.token.split(".");
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
		["another user in its claims", async () => resigned(shop.attacker, { sub: String(shop.keeper.id) })],
		["another role in its claims", async () => resigned(shop.attacker, { role: "admin" })],
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
			const answer = await shop.send(method, path, { token });
			expect({ path, status: answer.status }).toEqual({ path, status: 401 });
		}
	});

	test("a refresh token that was used before ends its whole family", async () => {
		const login = await shop.send("POST", "/api/v1/users/login", {
			body: { email: shop.victim.email, password: PASSWORD },
		});
		const refresh = (refresh_token: string) =>
			shop.send("POST", "/api/v1/users/refresh", { body: { refresh_token } });
		const second = await refresh(login.body.refresh_token);
		const third = await refresh(second.body.refresh_token);
		expect((await refresh(login.body.refresh_token)).status).toBe(401);
		expect((await refresh(third.body.refresh_token)).status).toBe(401);
	});

	test("an access token is no refresh token, and the other way round", async () => {
		const login = await shop.send("POST", "/api/v1/users/login", {
			body: { email: shop.victim.email, password: PASSWORD },
		});
		const { refresh_token, access_token } = login.body;
		expect((await shop.send("GET", "/api/v1/users/me", { token: refresh_token })).status).toBe(401);
		const swapped = await shop.send("POST", "/api/v1/users/refresh", {
			body: { refresh_token: access_token.slice(0, 200) },
		});
		expect(swapped.status).toBe(401);
	});
});

describe("somebody else's", () => {
	test.each([
		["profile", "GET", () => `/api/v1/users/${shop.victim.id}`, undefined],
		["account", "DELETE", () => `/api/v1/users/${shop.victim.id}`, undefined],
		["order", "GET", () => `/api/v1/orders/${shop.order_id}`, undefined],
		["order, to be cancelled", "POST", () => `/api/v1/orders/${shop.order_id}/cancel`, undefined],
		["order, to be paid", "POST", () => `/api/v1/orders/${shop.order_id}/pay`, {}],
		["message", "GET", () => `/api/v1/notifications/${notification_id}`, undefined],
	])("%s is not found", async (_, method, path, body) => {
		const answer = await shop.send(method, path(), { token: shop.attacker.token, body });
		expect(answer.status).toBe(404);
		expect(answer.text).not.toContain(shop.victim.email);
	});

	test.each([
		["powers", "PATCH", () => `/api/v1/users/${shop.attacker.id}`, { role: "admin" }],
		["list of users", "GET", () => "/api/v1/users", undefined],
		["product, to be changed", "PATCH", () => `/api/v1/products/${shop.product_id}`, { price: 1 }],
		["product, to be removed", "DELETE", () => `/api/v1/products/${shop.product_id}`, undefined],
		["stock", "PUT", () => `/api/v1/products/${shop.product_id}/stock?quantity=5`, undefined],
		["order, to be shipped", "POST", () => `/api/v1/orders/${shop.order_id}/ship`, undefined],
		["order, to be refunded", "POST", () => `/api/v1/orders/${shop.order_id}/refund`, {}],
		["message, to be sent again", "POST", () => `/api/v1/notifications/${notification_id}/retry`, undefined],
		["dead letters", "GET", () => "/api/v1/dead-letters", undefined],
	])("%s is the admin's", async (_, method, path, body) => {
		expect((await shop.send(method, path(), { token: shop.attacker.token, body })).status).toBe(403);
		expect((await shop.send(method, path(), { body })).status).toBe(401);
	});

	test("orders and messages are not in one's lists", async () => {
		const orders = await shop.send("GET", `/api/v1/orders?limit=100`, { token: shop.attacker.token });
		const messages = await shop.send("GET", `/api/v1/notifications?limit=100`, {
			token: shop.attacker.token,
		});
		expect(orders.body).toEqual([]);
		expect(messages.body.every(({ user_id }: { user_id: number }) => user_id === shop.attacker.id)).toBe(
			true,
		);
		// The cursor of an admin reveals nothing more.
		const theirs = await shop.send("GET", "/api/v1/orders?limit=1", { token: shop.keeper.token });
		const cursor = /cursor=([\w-]+)/.exec(theirs.headers.get("link") ?? "")?.[1];
		const answer = await shop.send("GET", `/api/v1/orders?cursor=${cursor}`, { token: shop.attacker.token });
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
		const registered = await shop.send("POST", "/api/v1/users/register", { body: { ...person(), ...more } });
		expect(registered.status).toBe(422);
		const patched = await shop.send("PATCH", "/api/v1/users/me", { token: shop.attacker.token, body: more });
		expect(patched.status).toBe(422);
		expect((await shop.send("GET", "/api/v1/users/me", { token: shop.attacker.token })).body.role).toBe(
			"user",
		);
	});

	test.each([
		'{"__proto__": {"role": "admin"}}',
		'{"constructor": {"prototype": {"role": "admin"}}}',
		'{"full_name": "Mala", "__proto__": {"isAdmin": true}}',
	])("by %s changes nothing and pollutes nothing", async (body) => {
		const patched = await shop.send("PATCH", "/api/v1/users/me", { token: shop.attacker.token, body });
		expect([200, 422]).toContain(patched.status);
		expect(patched.body.role ?? "user").toBe("user");
		expect(({} as { role?: unknown; isAdmin?: unknown }).role).toBeUndefined();
		expect(({} as { role?: unknown; isAdmin?: unknown }).isAdmin).toBeUndefined();
	});

	test("of prices and totals in an order is refused", async () => {
		for (const item of [{ price: 1 }, { price_minor: 1 }, { subtotal: 0 }]) {
			const body = { items: [{ product_id: shop.product_id, quantity: 1, ...item }] };
			expect((await shop.send("POST", "/api/v1/orders", { token: shop.attacker.token, body })).status).toBe(
				422,
			);
		}
	});
});

describe("who has an account is not told", () => {
	const known = () => shop.victim.email;
	const unknown = () => `nobody-${Math.random().toString(36).slice(2)}@toko.test`;

	test.each(["login", "forgot-password", "verify-email"])("by the answer of %s", async (path) => {
		const ask = async (email: string) => {
			const body = { email, ...(path === "login" ? { password: "not this one" } : {}) };
			const answer = await shop.send("POST", `/api/v1/users/${path}`, { body });
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
				shop.broker,
				"v1.users.login",
				{ email, password: "not this one" },
				{ meta: { client: email } },
			).catch(() => undefined);
			return performance.now() - begun;
		};
		const people = await Promise.all(Array.from({ length: 8 }, () => newUser(shop.broker)));
		const least = async (emailOf: () => string) =>
			Math.min(await time(emailOf()), await time(emailOf()), await time(emailOf()));
		let slower = 0;
		for (const { email } of people) {
			// A hash takes more than ten times as long as a table lookup.
			slower += Number((await least(() => email)) < 3 * (await least(unknown)));
		}
		expect(slower).toBeGreaterThanOrEqual(6);
	});
});

test("after all this the shop is as it was", () => shop.expectNoHarm());
