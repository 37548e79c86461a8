import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Service, ServiceBroker } from "moleculer";
import { allActions } from "../../contracts/actions.ts";
import { DEADLINE_MS } from "../../middlewares/resilience.ts";
import { sampler } from "../../observability/sampling.ts";
import { type EndedSpan, traceInto } from "../../observability/tracing.ts";
import { createHttpServer, type Patience } from "../../services/api/server.ts";
import { setVariables } from "../variables.ts";
import { eventually, newUser, startGateway, startNodeWith } from "./shop.ts";

const ORIGIN = "https://shop.example";
/** Trace contexts of the calls of an action. */
const seen: unknown[] = [];
/** The action waits for it. */
let held: Promise<void> | undefined;
/** Spans of this process that were exported. */
const spans: EndedSpan[] = [];
let shop: ServiceBroker;
let gateway: ServiceBroker;
let address: string;

beforeAll(async () => {
	setVariables({ CORS_ORIGINS: ORIGIN, TRUST_PROXY: "loopback", RATE_LIMIT: "30" });
	traceInto({
		takes: () => true,
		isDrawn: () => false,
		dropped: 0,
		lost: { failed: 0, rejected: 0, queue: 0 },
		isSampled: sampler("parentbased_always_off", 0),
		export: (span) => spans.push(span),
		stop: async () => undefined,
	});
	shop = await startNodeWith(
		[
			{
				name: "Witness",
				localAction: (next, { name }) =>
					name === "v1.products.health"
						? async function (this: Service, ctx) {
								seen.push((ctx.headers as { traceparent?: string }).traceparent);
								await held;
								return next.call(this, ctx);
							}
						: next,
			},
		],
		"users",
		"products",
		"orders",
		"notifications",
	);
	({ gateway, address } = await startGateway());
	await gateway.waitForServices([{ name: "products", version: 1 }]);
});

afterAll(async () => {
	setVariables({ CORS_ORIGINS: undefined, TRUST_PROXY: undefined, RATE_LIMIT: undefined });
	traceInto(undefined);
	await gateway.stop();
	await shop.stop();
});

const CATEGORIES = "/api/v1/products/categories";
let client = 0;

/** Sends a request through the trusted proxy, from a new client address by default. */
function from(
	forwarded: string | undefined = `192.0.2.${++client % 250}`,
	headers: Record<string, string> = {},
) {
	return fetch(`${address}${CATEGORIES}`, { headers: { "x-forwarded-for": forwarded, ...headers } });
}

describe("a page in a browser", () => {
	test("may use the API where its origin is on the list", async () => {
		const answer = await from(undefined, { origin: ORIGIN });
		expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
		expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
		expect(answer.headers.get("access-control-expose-headers")).toContain("Link");
		const preflight = await fetch(`${address}/api/v1/orders`, {
			method: "OPTIONS",
			headers: {
				origin: ORIGIN,
				"access-control-request-method": "POST",
				"access-control-request-headers": "authorization,idempotency-key",
			},
		});
		expect(preflight.status).toBe(204);
		expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
		expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,idempotency-key");
	});

	test.each(["https://evil.example", "https://shop.example.evil.example", "null"])(
		"may not where it is %s",
		async (origin) => {
			const answer = await from(undefined, { origin });
			expect(answer.headers.get("access-control-allow-origin")).toBeNull();
			expect(answer.headers.get("vary")).toContain("Origin");
		},
	);

	test("is restricted by security headers", async () => {
		const { headers } = await from();
		expect(Object.fromEntries(headers)).toMatchObject({
			"content-security-policy": "default-src 'none';frame-ancestors 'none'",
			"strict-transport-security": expect.stringContaining("max-age="),
			"x-content-type-options": "nosniff",
			"referrer-policy": "no-referrer",
		});
		expect(headers.get("x-powered-by")).toBeNull();
	});
});

describe("the limit of requests", () => {
	const many = (forwarded: (number: number) => string) =>
		Promise.all(Array.from({ length: 60 }, (_, number) => from(forwarded(number)))).then((answers) =>
			answers.map(({ status }) => status),
		);

	/** The limit is per second: on a busy machine, 60 requests may take several. */
	const expectRefusal = (forwarded: (number: number) => string) =>
		eventually("a refusal", async () => (await many(forwarded)).includes(429));

	test("is counted per client behind a trusted proxy", async () => {
		expect(new Set(await many((number) => `198.51.100.${number}`))).toEqual(new Set([200]));
		await expectRefusal(() => "203.0.113.9");
	});

	test("is not bypassed by addresses that a client forges", async () => {
		// The proxy appends the client's address to the header that the client sent.
		await expectRefusal((number) => `198.51.100.${number}, 203.0.113.10`);
		await expectRefusal((number) => `garbage ${number}, 203.0.113.11`);
	});
});

test("a response from the cache has a span without parts", async () => {
	// A request whose response has just become stale has parts.
	const { trace_id, exported } = await eventually("a response from the cache", async () => {
		const trace_id = randomUUID().replaceAll("-", "");
		expect((await from(undefined, { traceparent: `00-${trace_id}-1c2d3e4f5a6b7c8d-01` })).status).toBe(200);
		await eventually("the span of the request", async () =>
			spans.some((span) => span.trace_id === trace_id && span.kind === "server" && span.parent !== undefined),
		);
		const exported = spans.filter((span) => span.trace_id === trace_id);
		return exported.length === 1 && { trace_id, exported };
	});
	expect(exported).toEqual([
		expect.objectContaining({
			name: `GET ${CATEGORIES}`,
			parent: { trace_id, span_id: "1c2d3e4f5a6b7c8d", isSampled: true },
			attributes: {
				"http.request.method": "GET",
				"http.route": CATEGORIES,
				"http.response.status_code": 200,
			},
			hasFailed: false,
		}),
	]);
	const [{ begun, ended }] = exported as [EndedSpan];
	expect(ended).toBeGreaterThan(begun);
});

test("a request whose client has gone has the status 499 in its span, whatever is answered later", async () => {
	const { promise, resolve } = Promise.withResolvers<void>();
	held = promise;
	const trace_id = "c3".repeat(16);
	const calls = seen.length;
	const client = new AbortController();
	const request = fetch(`${address}/health/product`, {
		headers: { traceparent: `00-${trace_id}-1c2d3e4f5a6b7c8d-01` },
		signal: client.signal,
	});
	await eventually("the call", async () => seen.length > calls);
	client.abort();
	await expect(request).rejects.toThrow("aborted");
	const find = () => spans.find((span) => span.trace_id === trace_id && span.name === "GET /health/product");
	await eventually("the span of the request", async () => find() !== undefined);
	held = undefined;
	resolve();
	expect((await fetch(`${address}/health/product`)).status).toBe(200);
	expect((find() as EndedSpan).attributes).toMatchObject({ "http.response.status_code": 499 });
});

test("a trace of a trusted proxy goes on where it has the form of one", async () => {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736";
	const trace = `00-${id}-00f067aa0ba902b7-01`;
	// Responses of this path are not cached.
	const ask = (traceparent: string) => fetch(`${address}/health/product`, { headers: { traceparent } });
	await ask(trace);
	expect(seen.at(-1)).toMatch(new RegExp(`^00-${id}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
	const server = await eventually("the span of the request", async () =>
		spans.find(({ parent }) => parent?.span_id === "00f067aa0ba902b7"),
	);
	expect(server).toMatchObject({ name: "GET /health/product", kind: "server", trace_id: id, links: [] });
	for (const wrong of [trace.toUpperCase(), "00-0-0-01", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`, "x"]) {
		await ask(wrong);
		expect(seen.at(-1)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
		expect(seen.at(-1)).not.toContain(id);
	}
});

test("10,000 traces of strangers become links at most, and none decides about sampling", async () => {
	setVariables({ TRUST_PROXY: undefined, RATE_LIMIT: "0" });
	const { gateway: exposed, address: door } = await startGateway();
	try {
		await exposed.waitForServices([{ name: "products", version: 1 }]);
		const before = spans.length;
		const forge = (number: number) => {
			const trace_id = number.toString(16).padStart(32, "f");
			return { traceparent: `00-${trace_id}-b7ad6b7169203331-01` };
		};
		await fetch(`${door}/health/product`, { headers: forge(0) });
		expect(seen.at(-1)).toMatch(/^00-(?!ffff)[0-9a-f]{32}-[0-9a-f]{16}-00$/);
		for (let sent = 1; sent < 10_000; sent += 100) {
			const statuses = await Promise.all(
				Array.from({ length: 100 }, async (_, number) => {
					const response = await fetch(`${door}${CATEGORIES}`, { headers: forge(sent + number) });
					await response.arrayBuffer();
					return response.status;
				}),
			);
			expect(new Set(statuses)).toEqual(new Set([200]));
		}
		expect(spans).toHaveLength(before);
	} finally {
		await exposed.stop();
		setVariables({ TRUST_PROXY: "loopback", RATE_LIMIT: "30" });
	}
});

/** Returns the response to raw bytes on a new connection. */
function raw(text: string, more?: (write: (text: string) => void) => void): Promise<string> {
	return new Promise((resolve, reject) => {
		const { hostname, port } = new URL(address);
		const socket = connect(Number(port), hostname, () => {
			socket.write(text);
			more?.((next) => socket.writable && socket.write(next));
		});
		let answer = "";
		socket.on("data", (chunk) => {
			answer += chunk;
		});
		socket.on("end", () => socket.end());
		socket.on("close", () => resolve(answer));
		// If the server does not read the rest of a request, it resets the connection after its response.
		socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
	});
}

const problemIn = (answer: string) =>
	JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));

describe("a request that cannot be read", () => {
	test("with 10,000 headers is 431", async () => {
		const headers = Array.from({ length: 10_000 }, (_, number) => `X-Header-${number}: ${number}`).join(
			"\r\n",
		);
		const answer = await raw(`GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\n${headers}\r\n\r\n`);
		expect(answer).toMatch(/^HTTP\/1\.1 431 .*application\/problem\+json/s);
		expect(problemIn(answer)).toMatchObject({ status: 431, code: "HEADERS_TOO_LARGE" });
	});

	test.each([
		["that is no HTTP", "hello\r\n\r\n"],
		[
			"with two lengths",
			`POST ${CATEGORIES} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
		],
		[
			"with a length and chunks",
			`POST ${CATEGORIES} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
		],
	])("%s is 400", async (_, text) => {
		expect(problemIn(await raw(text))).toMatchObject({ status: 400, code: "MALFORMED_REQUEST" });
	});

	test.each([
		["without a host", `GET ${CATEGORIES} HTTP/1.1\r\n\r\n`],
		["with two hosts", `GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\nHost: other\r\n\r\n`],
	])("%s is 400 and says so", async (_, text) => {
		const answer = await raw(text);
		expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s);
		expect(problemIn(answer)).toMatchObject({ status: 400, code: "MALFORMED_REQUEST" });
	});

	test("with an unsupported expectation is 417 and says so", async () => {
		const answer = await raw(
			`GET ${CATEGORIES} HTTP/1.1\r\nHost: toko\r\nExpect: foo\r\nConnection: close\r\n\r\n`,
		);
		expect(answer).toMatch(/^HTTP\/1\.1 417 .*application\/problem\+json/s);
		expect(problemIn(answer)).toMatchObject({ status: 417, code: "EXPECTATION_FAILED" });
	});

	test("whose body never ends is 408, and others are served meanwhile", async () => {
		const head =
			"POST /api/v1/users/login HTTP/1.1\r\nHost: toko\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
		const slow = raw(head);
		expect((await from()).status).toBe(200);
		expect(problemIn(await slow)).toMatchObject({ status: 408, code: "REQUEST_TOO_SLOW" });
	});
});

test.each(["http://toko", "http://toko:80", "HTTP://[::1]:3000", "https://a:b@other.example"])(
	"an address may begin with %s, as proxies write it",
	async (origin) => {
		const answer = await raw(
			`GET ${origin}${CATEGORIES}?x HTTP/1.1\r\nHost: toko\r\nConnection: close\r\n\r\n`,
		);
		expect(problemIn(answer)).toMatchObject({ status: 422, errors: [{ path: "x" }] });
		expect(await raw(`GET ${origin} HTTP/1.1\r\nHost: toko\r\nConnection: close\r\n\r\n`)).toMatch(
			/^HTTP\/1\.1 404 /,
		);
	},
);

test("a client of HTTP/1.0 needs no host", async () => {
	expect(await raw(`GET ${CATEGORIES} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});

describe("connections that do nothing", () => {
	let server: Server;

	afterEach(() => new Promise((closed) => server.close(closed)));

	async function open(patience: Partial<Patience>, handle: RequestListener): Promise<Socket> {
		server = createHttpServer(handle, { keep_alive_ms: 60_000, ...patience });
		await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
		return connectTo();
	}

	const connectTo = () => {
		const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
		return socket.on("error", () => undefined);
	};

	const closed = (socket: Socket | ServerResponse) => new Promise((done) => socket.once("close", done));

	test("end where a client does not read its answer", async () => {
		const answers: ServerResponse[] = [];
		const socket = await open({ idle_ms: 200 }, (_request, response) => {
			answers.push(response);
			response.end(Buffer.alloc(64 * 1024 * 1024));
		});
		socket.pause();
		socket.write("GET / HTTP/1.1\r\nHost: toko\r\n\r\n");
		await eventually("the request", async () => answers.length === 1);
		await closed(answers[0] as ServerResponse);
		expect(answers[0]?.writableFinished).toBe(false);
		socket.destroy();
	});

	test("are refused if there are too many", async () => {
		const first = await open({ connections: 1 }, (_request, response) => response.end("ok"));
		await new Promise((connected) => first.once("connect", connected));
		await closed(connectTo());
		first.write("GET / HTTP/1.1\r\nHost: toko\r\nConnection: close\r\n\r\n");
		const [answer] = await once(first, "data");
		expect(String(answer)).toContain("200 OK");
	});

	test("of a gateway are closed after longer than any call may take", () => {
		const { server: own } = gateway.getLocalService("api") as unknown as { server: Server };
		const longest = Math.max(
			...[...allActions().values()].map(({ contract }) => (contract.rest ? (contract.timeout_ms ?? 0) : 0)),
			DEADLINE_MS,
		);
		expect(own.timeout).toBeGreaterThan(longest);
		expect(own.timeout).toBeLessThanOrEqual(60_000);
		expect(own.maxConnections).toBeGreaterThan(0);
		server = createHttpServer(() => undefined, { keep_alive_ms: 60_000 });
	});
});

test("a header cannot be smuggled in by a request id", async () => {
	const { token } = await newUser(shop);
	const { hostname, port } = new URL(address);
	const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
		const request = httpRequest({
			hostname,
			port,
			path: "/api/v1/users/me",
			headers: { authorization: `Bearer ${token}`, "x-request-id": "abc%0d%0aset-cookie:x=1" },
		});
		request.on("response", (response) => resolve(response.headers));
		request.on("error", reject);
		request.end();
	});
	expect(answer["set-cookie"]).toBeUndefined();
	expect(answer["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});
