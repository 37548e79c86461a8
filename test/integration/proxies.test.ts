import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { setVariables } from "../variables.ts";
import { admin, eventually, newProduct, type Person, SERVICES, startNode } from "./shop.ts";

let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
const open = new Set<Socket>();

beforeAll(async () => {
	setVariables({ TRUST_PROXY: "loopback" });
	shop = await startNode(...SERVICES);
	gateway = await startNode("api");
	address = await addressOf(gateway);
	await gateway.waitForServices([{ name: "products", version: 1 }]);
	keeper = await admin(shop);
});

afterAll(async () => {
	setVariables({ TRUST_PROXY: undefined });
	for (const socket of open) {
		socket.destroy();
	}
	await gateway.stop();
	await shop.stop();
});

async function addressOf(broker: ServiceBroker): Promise<string> {
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	return gatewayAddress(broker.getLocalService("api"));
}

/** Opens a connection like a proxy, to send data and read the responses. */
function connection(to = address) {
	const { hostname, port } = new URL(to);
	const socket = connect(Number(port), hostname);
	open.add(socket);
	const ended = new Promise<void>((done) => socket.once("close", () => done()));
	let received = "";
	socket.on("data", (chunk) => {
		received += chunk.toString("latin1");
	});
	socket.on("error", () => undefined);
	const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
	return {
		ended,
		send: (...parts: (string | Buffer)[]) => parts.map((part) => socket.write(part)),
		received: () => received,
		/** Waits for this number of responses and returns their statuses. */
		answers: (count: number) =>
			eventually(`${count} answers in ${received}`, async () => statuses().length >= count && statuses()),
	};
}

/** Returns the response to one request on a new connection. */
async function raw(...parts: (string | Buffer)[]): Promise<{ status: number; head: string; body: string }> {
	const { send, received, ended } = connection();
	send(...parts);
	await ended;
	const [head = "", body = ""] = received().split("\r\n\r\n");
	return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body };
}

const CATEGORIES = "/api/v1/products/categories";
const VERIFY = "/api/v1/users/verify-email";
const HEAD = "Host: toko\r\nConnection: close\r\n";
const BODY = '{"email":"nobody@toko.test"}';
const JSON_BODY = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

describe("a body that is announced and never comes", () => {
	const announced = [
		["chunks", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"],
		["chunks and a trailer", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "0\r\nX-Sum: 1\r\n\r\n"],
		["a length of 0", "Content-Length: 0\r\n", ""],
		["a type", "Content-Type: text/plain; charset=iso-8859-1\r\n", ""],
		["an empty type", "Content-Type: \r\n", ""],
		[
			"chunks of compressed text",
			"Transfer-Encoding: chunked\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Encoding: gzip\r\n",
			"0\r\n\r\n",
		],
		["a compressed length of 0", "Content-Encoding: gzip\r\nContent-Length: 0\r\n", ""],
	] as const;

	test.each(announced)("is none: %s", async (_, headers, rest) => {
		for (const [method, path, status] of [
			["GET", CATEGORIES, 200],
			["HEAD", CATEGORIES, 200],
			["GET", "/health", 200],
			["GET", "/health/live", 200],
			["GET", "/openapi.json", 200],
			["OPTIONS", CATEGORIES, 204],
			["DELETE", "/api/v1/products/none", 401],
			["POST", "/api/v1/users/verify", 401],
			["POST", VERIFY, 422],
			["POST", "/api/v1/payments/webhook", 401],
		] as const) {
			const answer = await raw(`${method} ${path} HTTP/1.1\r\n${HEAD}${headers}\r\n${rest}`);
			expect([method, path, answer.status]).toEqual([method, path, status]);
		}
	});

	test("is one as soon as it has a byte", async () => {
		const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n`;
		const head = `POST ${VERIFY} HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n`;
		expect((await raw(`${head}\r\n${chunk}0\r\n\r\n`)).status).toBe(415);
		expect((await raw(`${head}Content-Type: text/plain\r\n\r\n`, chunk, "0\r\n\r\n")).status).toBe(415);
		expect((await raw(`${head}Content-Type: application/json\r\n\r\n`, chunk, "0\r\n\r\n")).status).toBe(202);
	});
});

describe("a request as proxies and their clients write it", () => {
	const gzipped = gzipSync(BODY);
	const upgrade =
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n";

	test.each([
		"application/json",
		"APPLICATION/JSON",
		"application/json; charset=utf8",
		'application/json ;Charset = "UTF-8"',
		"application/json;charset=us-ascii",
		"application/json;",
		'application/json; profile="a; b"',
		"application/merge-patch+json",
	])("has a body of type %s", async (type) => {
		const head = `POST ${VERIFY} HTTP/1.1\r\n${HEAD}content-TYPE: ${type}\r\nCONTENT-length: ${BODY.length}\r\n\r\n`;
		expect((await raw(head, BODY)).status).toBe(202);
	});

	test.each(["gzip", "GZIP", "x-gzip"])("has a body with the coding %s", async (coding) => {
		const head = `POST ${VERIFY} HTTP/1.1\r\n${HEAD}Content-Encoding: ${coding}\r\nContent-Type: application/json\r\n`;
		expect((await raw(`${head}Content-Length: ${gzipped.length}\r\n\r\n`, gzipped)).status).toBe(202);
	});

	test.each([
		"//api/v1/products/categories",
		"/api//v1///products/categories//",
		"/api/v1/products/categories/",
		"http://toko//api/v1/products/categories",
		"//health",
		"/health/",
		"/health/live?probe=1",
	])("has the target %s", async (target) => {
		expect((await raw(`GET ${target} HTTP/1.1\r\n${HEAD}\r\n`)).status).toBe(200);
	});

	test("keeps double slashes in its query", async () => {
		const { body } = await raw(`GET /api/v1/products?http://x=1 HTTP/1.1\r\n${HEAD}\r\n`);
		expect(body).toContain('"path":"http://x"');
	});

	test.each(["*/*", "text/html", "application/xml;q=0.9", ""])("accepts %j", async (accept) => {
		const answer = await raw(`GET /health HTTP/1.1\r\n${HEAD}Accept: ${accept}\r\n\r\n`);
		expect([answer.status, answer.head]).toEqual([200, expect.stringContaining("application/json")]);
	});

	test("has come a long way", async () => {
		const hops = (hop: (number: number) => string) =>
			Array.from({ length: 150 }, (_, n) => hop(n)).join(", ");
		const via = `Via: ${hops((n) => `1.1 proxy-${n}`)}\r\nX-Forwarded-For: ${hops((n) => `10.1.2.${n}`)}\r\n`;
		expect((await raw(`GET ${CATEGORIES} HTTP/1.1\r\n${HEAD}${via}\r\n`)).status).toBe(200);
	});

	test("asks whether the server is there", async () => {
		for (const target of ["*", "/"]) {
			const answer = await raw(`OPTIONS ${target} HTTP/1.0\r\n\r\n`);
			expect([answer.status, answer.head]).toEqual([204, expect.stringContaining("Allow: ")]);
		}
	});

	test("is HTTP/1.0, with a body and without", async () => {
		expect((await raw(`GET ${CATEGORIES} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`)).status).toBe(200);
		expect((await raw(`POST ${VERIFY} HTTP/1.0\r\n${JSON_BODY}`)).status).toBe(202);
	});

	test("offers h2c and goes on with HTTP/1.1 on the same connection", async () => {
		const { send, answers } = connection();
		send(`GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\n${upgrade}\r\n`);
		await answers(1);
		const [head, body] = JSON_BODY.split("\r\n\r\n");
		send(`POST ${VERIFY} HTTP/1.1\r\nHost: toko\r\n${upgrade}${head}\r\n\r\n`, body as string);
		await answers(2);
		send(`GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\n\r\n`);
		expect(await answers(3)).toEqual([200, 202, 200]);
	});

	test("waits for 100 before its body", async () => {
		const { send, answers } = connection();
		const [head, body] = JSON_BODY.split("\r\n\r\n");
		send(`POST ${VERIFY} HTTP/1.1\r\nHost: toko\r\nExpect: 100-Continue\r\n${head}\r\n\r\n`);
		expect(await answers(1)).toEqual([100]);
		send(body as string);
		expect(await answers(2)).toEqual([100, 202]);
	});

	test("comes right behind another, and each has its answer", async () => {
		const { send, answers } = connection();
		const get = `GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\n\r\n`;
		send(`${get}POST ${VERIFY} HTTP/1.1\r\nHost: toko\r\n${JSON_BODY}${get}`);
		expect(await answers(3)).toEqual([200, 202, 200]);
	});
});

describe("the address that a client used", () => {
	const serverFor = async (headers: Record<string, string>, to = address) => {
		const { servers } = (await (await fetch(`${to}/openapi.json`, { headers })).json()) as {
			servers: { url: string }[];
		};
		return servers.map(({ url }) => url).join();
	};
	const shopExample = {
		"x-forwarded-for": "203.0.113.7",
		"x-forwarded-proto": "https",
		"x-forwarded-host": "shop.example",
		"x-forwarded-prefix": "/shop",
	};

	test("is in the API's document, as trusted proxies say", async () => {
		expect(await serverFor({})).toBe(address);
		expect(await serverFor(shopExample)).toBe("https://shop.example/shop");
		// The proxy appends its value to the client's.
		expect(await serverFor({ ...shopExample, "x-forwarded-host": "evil.example, shop.example:8443" })).toBe(
			"https://shop.example:8443/shop",
		);
		// Two proxies: the outer one saw the client's address.
		const two = { "x-forwarded-for": "203.0.113.7, 127.0.0.2", "x-forwarded-proto": "https, http" };
		expect(await serverFor({ ...shopExample, ...two })).toBe("https://shop.example/shop");
	});

	test("is that of the request where what they say is none", async () => {
		for (const [name, value] of [
			["x-forwarded-proto", "javascript"],
			["x-forwarded-host", 'a"b'],
			["x-forwarded-prefix", "//evil.example"],
			["x-forwarded-prefix", '/"><script>'],
		] as const) {
			expect(await serverFor({ [name]: value })).toBe(address);
		}
		const { body } = await raw("GET /openapi.json HTTP/1.0\r\n\r\n");
		expect(body).toContain(`"servers":[{"url":"${address}"}]`);
	});

	test("is nothing that a stranger says", async () => {
		setVariables({ TRUST_PROXY: "" });
		const other = await startNode("api");
		setVariables({ TRUST_PROXY: "loopback" });
		const own = await addressOf(other);
		expect(await serverFor(shopExample, own)).toBe(own);
		await other.stop();
	});

	test("is where links to pages, places and documents lead", async () => {
		const { id } = await newProduct(shop, 1);
		await newProduct(shop, 1);
		const headers = { ...shopExample, authorization: `Bearer ${keeper.token}` };
		const page = await fetch(`${address}/api/v1/products?limit=1`, { headers });
		expect(page.headers.get("link")).toMatch(/^<\/shop\/api\/v1\/products\?/);
		const given = { name: "Teh", description: "", price: 1000, stock: 1, category: "teh" };
		const placed = await fetch(`${address}/api/v1/products`, {
			method: "POST",
			headers: { ...headers, "content-type": "application/json" },
			body: JSON.stringify(given),
		});
		expect(placed.headers.get("location")).toMatch(/^\/shop\/api\/v1\/products\/\w+$/);
		expect(placed.headers.get("location")).not.toContain(id);
		for (const path of ["/docs", "/redoc"]) {
			const html = await (await fetch(`${address}${path}`, { headers })).text();
			for (const [, link] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
				expect(link).toMatch(/^\/shop\/(docs|redoc)\//);
			}
			const script = await (await fetch(`${address}${path}/start.js`, { headers })).text();
			expect(script).toContain('"/shop/openapi.json"');
		}
	});
});

describe("a connection in a proxy's pool", () => {
	const get = `GET /health HTTP/1.1\r\nHost: toko\r\n\r\n`;
	type Own = {
		server: { keepAliveTimeout: number; on(name: "connection", seen: (socket: Socket) => void): void };
	};
	const serverOf = (broker: ServiceBroker) => (broker.getLocalService("api") as unknown as Own).server;

	test("waits for longer than balancers keep theirs, used or not", async () => {
		const server = serverOf(gateway);
		const seen: Socket[] = [];
		server.on("connection", (socket) => seen.push(socket));
		const { send, answers, received } = connection();
		await eventually("the connection", async () => seen.length === 1);
		expect(seen[0]?.timeout).toBe(75_000);
		send(get);
		await answers(1);
		await eventually("the answer's end", async () => (seen[0]?.timeout ?? 0) >= 75_000);
		expect(received()).toContain("Keep-Alive: timeout=75");
		expect(server.keepAliveTimeout).toBe(75_000);
	});

	test("ends after KEEP_ALIVE_SECONDS without a request", async () => {
		setVariables({ KEEP_ALIVE_SECONDS: "1" });
		const other = await startNode("api");
		setVariables({ KEEP_ALIVE_SECONDS: undefined });
		const unused = connection(await addressOf(other));
		const used = connection(await addressOf(other));
		used.send(get);
		await Promise.all([unused.ended, used.ended]);
		expect([unused.received(), await used.answers(1)]).toEqual(["", [200]]);
		await other.stop();
	});

	test("does not hold up a gateway that stops", async () => {
		const other = await startNode("api");
		const unused = connection(await addressOf(other));
		const used = connection(await addressOf(other));
		used.send(get);
		await used.answers(1);
		const begun = Date.now();
		await other.stop();
		await Promise.all([unused.ended, used.ended]);
		expect(Date.now() - begun).toBeLessThan(60_000);
	});
});

test("a client that goes away before its body is there does no harm", async () => {
	const { hostname, port } = new URL(address);
	const socket = connect(Number(port), hostname);
	await once(socket, "connect");
	socket.write(`POST ${VERIFY} HTTP/1.1\r\nHost: toko\r\nTransfer-Encoding: chunked\r\n\r\n`);
	socket.resetAndDestroy();
	expect((await raw(`GET ${CATEGORIES} HTTP/1.1\r\n${HEAD}\r\n`)).status).toBe(200);
});
