import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { setVariables } from "../variables.ts";
import { type Answer, expectProblem, type Sending, send } from "./rest.ts";
import {
	admin,
	eventually,
	newProduct,
	newUser,
	PASSWORD,
	type Person,
	SERVICES,
	startGateway,
	startNode,
} from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let buyer: Person;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	({ gateway, address } = await startGateway());
	await eventually("a ready shop", async () => (await fetch(`${address}/health/ready`)).status === 200);
	buyer = await newUser(shop);
	keeper = await admin(shop);
});

afterAll(async () => {
	await gateway.stop();
	await shop.stop();
});

const request = (method: string, path: string, sending?: Sending) => send(address, method, path, sending);

describe("the gateway", () => {
	test("tells the health of itself and of every service", async () => {
		expect((await request("GET", "/health")).body).toEqual({ status: "healthy", service: "api-gateway" });
		expect((await request("GET", "/health/live")).status).toBe(200);
		for (const name of ["user", "product", "order", "notification"]) {
			expect(await request("GET", `/health/${name}`)).toMatchObject({
				status: 200,
				body: { status: "healthy", service: `${name}-service` },
			});
		}
	});

	test("answers 404 at unknown addresses and 405 with Allow for unknown methods", async () => {
		for (const path of [
			"/",
			"/nothing",
			"/api/v1/nothing",
			"/api/v1/users/1/2",
			"/api/v1/products/%E0%A4%A",
		]) {
			expectProblem(await request("GET", path), 404, "NOT_FOUND");
		}
		const answer = await request("PUT", "/api/v1/products/1");
		expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
		expect(answer.headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS, PATCH");
	});

	test.each([
		["GET", "/api/v1/users/login", "OPTIONS, POST"],
		["GET", "/api/users/login", "OPTIONS, POST"],
		["DELETE", "/api/v1/users/me", "GET, HEAD, OPTIONS, PATCH"],
		["PATCH", "/api/v1/products/categories", "GET, HEAD, OPTIONS"],
		["DELETE", "/api/v1/products/categories/", "GET, HEAD, OPTIONS"],
		["POST", "/docs/assets/swagger-ui.css", "GET, HEAD, OPTIONS"],
	])("answers 405 to %s %s, which is not an id", async (method, path, allow) => {
		for (const as of [undefined, buyer, keeper]) {
			const answer = await request(method, path, as ? { as } : {});
			expectProblem(answer, 405, "METHOD_NOT_ALLOWED");
			expect(answer.headers.get("allow")).toBe(allow);
		}
		const options = await request("OPTIONS", path);
		expect([options.status, options.headers.get("allow")]).toEqual([204, allow]);
	});

	test("answers OPTIONS with the allowed methods, and runs nothing", async () => {
		const preflight = { headers: { "access-control-request-method": "GET" } };
		for (const options of [{}, preflight]) {
			const answer = await request("OPTIONS", "/api/v1/users/me", options);
			expect([answer.status, answer.body, answer.headers.get("allow")]).toEqual([
				204,
				undefined,
				"GET, HEAD, OPTIONS, PATCH",
			]);
			expectProblem(await request("OPTIONS", "/api/v1/nothing", options), 404, "NOT_FOUND");
		}
	});

	test("takes HEAD and a trailing slash", async () => {
		expect(await request("HEAD", "/api/v1/products")).toMatchObject({ status: 200, body: undefined });
		expect((await request("GET", "/api/v1/products/?limit=1")).status).toBe(200);
	});

	test("links to the next page of a full one, by a cursor, until there is none", async () => {
		const category = "halaman";
		const given = { description: "", price: 1000, stock: 1, category };
		for (const name of ["Satu", "Dua", "Tiga"]) {
			await request("POST", "/api/v1/products", { as: keeper, body: { name, ...given } });
		}
		const names: string[] = [];
		let next: string | undefined = `/api/v1/products?limit=2&category=${category}`;
		while (next) {
			const page: Answer = await request("GET", next);
			names.push(...page.body.map(({ name }: { name: string }) => name));
			next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
		}
		expect(names).toEqual(["Satu", "Dua", "Tiga"]);
		const { id: product_id } = await newProduct(shop, 2);
		for (let placed = 0; placed < 2; placed++) {
			await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
		}
		await eventually(
			"two mails",
			async () => (await buyer.call("v1.notifications.list", {})).items.length >= 2,
		);
		for (const path of ["/api/v1/users?limit=1", "/api/v1/notifications?limit=1", "/api/v1/orders?limit=1"]) {
			const first = await request("GET", path, { as: keeper });
			const link = /^<([^>]+cursor=[^>]+)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1];
			const second = await request("GET", link as string, { as: keeper });
			expect(second.status).toBe(200);
			expect(second.body).not.toEqual(first.body);
		}
		expectProblem(await request("GET", "/api/v1/products?cursor=bogus"), 422, "VALIDATION_FAILED");
	});

	test("answers 304 to a client that has the newest products, and compresses long responses", async () => {
		const { id } = await newProduct(shop, 1);
		for (const path of [`/api/v1/products/${id}`, "/api/v1/products?sort=-created_at"]) {
			const first = await request("GET", path, { as: keeper });
			// The gateway requests a list again for a user who has changed it.
			const known = { as: keeper, headers: { "if-none-match": first.headers.get("etag") as string } };
			expect(await request("GET", path, known)).toMatchObject({ status: 304, body: undefined });
			await request("PUT", `/api/v1/products/${id}/stock?quantity=1`, { as: keeper });
			expect((await request("GET", path, known)).status).toBe(200);
		}
		const long = await fetch(`${address}/openapi.json`, { headers: { "accept-encoding": "gzip" } });
		expect(long.headers.get("content-encoding")).toBe("gzip");
		expect(await long.json()).toHaveProperty("openapi");
	});

	test("refuses bodies that are malformed, too large or not JSON", async () => {
		const path = "/api/v1/users/login";
		expectProblem(await request("POST", path, { body: '{"email": ' }), 400, "MALFORMED_BODY");
		expectProblem(await request("POST", path, { body: '"text"' }), 400, "MALFORMED_BODY");
		expectProblem(await request("POST", path, { body: "[]" }), 422, "VALIDATION_FAILED");
		expectProblem(
			await request("POST", path, { body: JSON.stringify("x".repeat(300_000)) }),
			413,
			"BODY_TOO_LARGE",
			"The body is too large: send at most 262144 bytes.",
		);
		for (const encoding of ["gzip", "deflate", "br"]) {
			const headers = { "content-encoding": encoding };
			expectProblem(
				await request("POST", path, { body: "no such encoding", headers }),
				400,
				"MALFORMED_BODY",
			);
		}
		const headers = { "content-type": "text/plain" };
		expectProblem(await request("POST", path, { body: "email=a", headers }), 415, "UNSUPPORTED_MEDIA_TYPE");
	});

	test("lets a client that sends 10 MB read why it is refused", async () => {
		const { port } = new URL(address);
		const size = 10 * 1024 * 1024;
		const answer = await new Promise<string>((resolve, reject) => {
			const socket = connect(Number(port), "127.0.0.1", () => {
				socket.write(
					`POST /api/v1/users/login HTTP/1.1\r\nHost: toko\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`,
				);
				socket.write(Buffer.alloc(size, "x"));
			});
			let text = "";
			socket.on("data", (chunk) => {
				text += chunk;
				if (text.includes("BODY_TOO_LARGE")) {
					socket.destroy();
					resolve(text);
				}
			});
			socket.on("error", reject);
		});
		expect(answer).toContain("HTTP/1.1 413");
	});

	test("refuses invalid tokens", async () => {
		for (const authorization of ["Bearer a.b.c", "Bearer ", "Basic dXNlcjpwYXNz", `Bearer ${buyer.token}x`]) {
			const answer = await request("GET", "/api/v1/users/me", { headers: { authorization } });
			expectProblem(answer, 401, "TOKEN_INVALID");
			expect(answer.headers.get("www-authenticate")).toBe("Bearer");
		}
		expectProblem(await request("GET", "/api/v1/users/me"), 401, "UNAUTHENTICATED");
	});

	test("hides other people: their users and orders are not found", async () => {
		expectProblem(await request("GET", `/api/v1/users/${keeper.id}`, { as: buyer }), 404, "USER_NOT_FOUND");
		expect((await request("GET", `/api/v1/users/${buyer.id}`, { as: keeper })).status).toBe(200);
	});

	test("gives every answer a request id, the client's own where it is harmless", async () => {
		const id = async (given: string) =>
			(await request("GET", "/health", { headers: { "x-request-id": given } })).headers.get("x-request-id");
		expect(await id("order-2026.11_23")).toBe("order-2026.11_23");
		for (const bad of ["<script>alert(1)</script>", "x", "a".repeat(100)]) {
			expect(await id(bad)).toMatch(/^[0-9a-f-]{36}$/);
		}
	});

	test("tells problems in the client's language", async () => {
		const told = async (language: string) => {
			const headers = { "accept-language": language };
			const answer = await request("GET", "/api/v1/products/none", { headers });
			expect(answer.headers.get("vary")).toContain("Accept-Language");
			return [answer.headers.get("content-language"), answer.body.detail];
		};
		const indonesian = ["id", "Produk tidak ditemukan"];
		expect(await told("id-ID,id;q=0.9,en;q=0.8")).toEqual(indonesian);
		expect(await told("in-ID")).toEqual(indonesian);
		expect(await told("fr, id;q=0.1")).toEqual(indonesian);
		expect(await told("en-GB")).toEqual(["en", "There is no such product."]);
	});

	test("describes itself by OpenAPI, and every operation of the description is there", async () => {
		const { body } = await request("GET", "/openapi.json");
		expect(body.openapi).toBe("3.1.0");
		for (const [path, operations] of Object.entries<object>(body.paths)) {
			for (const method of Object.keys(operations)) {
				const answer = await request(method.toUpperCase(), path.replace(/\{\w+\}/g, "0"), {
					...(method === "get" || method === "delete" ? {} : { body: {} }),
				});
				expect([path, method, answer.body?.code]).not.toContain("METHOD_NOT_ALLOWED");
				expect(answer.status === 404 ? answer.body.code : "").not.toBe("INTERNAL");
				expect(answer.status).toBeLessThan(500);
			}
		}
	});

	test("accepts the examples of its description as parameters of lists", async () => {
		const { body } = await request("GET", "/openapi.json");
		for (const [path, { get }] of Object.entries<{ get?: { parameters?: object[] } }>(body.paths)) {
			const parameters = (get?.parameters ?? []) as { in: string; name: string; example: unknown }[];
			const query = new URLSearchParams(
				parameters
					.filter((one) => one.in === "query")
					.map(({ name, example }): [string, string] => [name, String(example)]),
			);
			if (query.size > 0) {
				const answer = await request("GET", `${path}?${query}`, { as: keeper });
				// The list of something that does not exist is refused for that, not for its parameters.
				expect([path, answer.status]).toEqual([path, path.includes("{") ? 404 : 200]);
			}
		}
	});

	test("serves its documents from its own files", async () => {
		const page = await (await fetch(`${address}/docs`)).text();
		for (const [, link = ""] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
			expect(link).toMatch(/^\/docs\//);
			expect((await fetch(`${address}${link}`)).status).toBe(200);
		}
		expect((await fetch(`${address}/docs/assets/swagger-ui.css`)).headers.get("cache-control")).toContain(
			"max-age",
		);
		for (const file of [
			"package.json",
			"index.html",
			"x.css",
			"swagger-initializer.js",
			"..%2fpackage.json",
		]) {
			expect((await fetch(`${address}/docs/assets/${file}`)).status).toBe(404);
		}
	});
});

test("the mailbox shows the mails of this shop, as inert text", async () => {
	const username = `m${Date.now()}`;
	await request("POST", "/api/v1/users/register", {
		body: { email: `${username}@toko.test`, username, password: PASSWORD, full_name: "<script>x</script>" },
	});
	const page = await eventually("the mail", async () => {
		const text = await (await fetch(`${address}/dev/mailbox`)).text();
		return text.includes(`${username}@toko.test`) && text;
	});
	const [, link] = new RegExp(`${username}@toko.test</td><td><a href="([^"]+)">`).exec(page) ?? [];
	const mail = await fetch(`${address}${link}`);
	expect(mail.headers.get("content-security-policy")).toContain("default-src 'none'");
	const text = await mail.text();
	expect(text).toContain("Selamat Datang di Toko Online!");
	expect(text).not.toContain("<script");
	for (const name of ["none", "..%2f..%2fsecrets", "..%2fsecrets.json"]) {
		expectProblem(await request("GET", `/dev/mailbox/${name}`), 404, "NOT_FOUND");
	}
});

test("an unavailable service is a 503 with Retry-After until it returns", async () => {
	const other = await startNode("api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	const there = gatewayAddress(other.getLocalService("api"));
	await shop.stop();
	await eventually("the services to be gone", async () =>
		other.registry.getServiceList({ withActions: false }).every(({ name }) => name !== "products"),
	);
	for (const path of ["/api/v1/products", "/api/products/categories", "/health/product"]) {
		const answer = await fetch(`${there}${path}`);
		expect(answer.status).toBe(503);
		expect(answer.headers.get("retry-after")).toBe("1");
		expect(await answer.json()).toMatchObject({ code: "UNAVAILABLE" });
	}
	const ready = await fetch(`${there}/health/ready`);
	expect([ready.status, await ready.json()]).toMatchObject([
		503,
		{ status: "not_ready", services: { products: "unavailable" } },
	]);
	shop = await startNode(...SERVICES);
	await eventually("a ready shop", async () => (await fetch(`${there}/health/ready`)).status === 200);
	expect((await callAction(shop, "v1.products.list", {})).items.length).toBeGreaterThan(0);
	await other.stop();
});

test("too many requests of one client are refused, whatever address it claims", async () => {
	setVariables({ RATE_LIMIT: "5" });
	const limited = await startNode("api");
	setVariables({ RATE_LIMIT: "0" });
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	const there = gatewayAddress(limited.getLocalService("api"));
	// The limit is per second: on a busy machine, the requests may take several.
	const refused = await eventually("a second in which most are refused", async () => {
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, number) =>
				fetch(`${there}/api/v1/products`, { headers: { "x-forwarded-for": `10.0.0.${number}` } }),
			),
		);
		const found = answers.filter(({ status }) => status === 429);
		return found.length >= 10 && found;
	});
	expect(refused[0]?.headers.get("retry-after")).toBe("1");
	await limited.stop();
});
