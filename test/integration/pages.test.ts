import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Context, Middleware, Service, ServiceBroker } from "moleculer";
import { cachedResponses } from "../../observability/metrics.ts";
import { gatewayAddress } from "../../services/api/api.service.ts";
import { admin, newProduct, newUser, type Person, startNode, startNodeWith } from "./shop.ts";

let services: ServiceBroker;
let gateway: ServiceBroker;
let address: string;
let keeper: Person;
/** Number of runs of each products action. */
let runs: Record<string, number> = {};

const counting: Middleware = {
	name: "TestCounting",
	localAction(next, { name }) {
		return function count(this: Service, ctx: Context) {
			runs[name as string] = (runs[name as string] ?? 0) + 1;
			return next.call(this, ctx);
		};
	},
};

beforeAll(async () => {
	services = await startNodeWith([counting], "users", "products", "orders");
	gateway = await startNode("api");
	address = gatewayAddress(gateway.getLocalService("api"));
	await gateway.waitForServices(["v1.users", "v1.products", "v1.orders"]);
	keeper = await admin(services);
});

beforeEach(() => {
	runs = {};
});

afterAll(async () => {
	await gateway.stop();
	await services.stop();
});

interface Got {
	status: number;
	headers: IncomingHttpHeaders;
	bytes: Buffer;
}

/** Sends a request without the headers that `fetch` adds. Returns the response with its bytes. */
function ask(
	path: string,
	headers: Record<string, string> = {},
	method = "GET",
	body?: string,
): Promise<Got> {
	return new Promise((resolve, reject) => {
		const request = httpRequest(`${address}${path}`, { method, headers, agent: false }, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("end", () =>
				resolve({
					status: response.statusCode as number,
					headers: response.headers,
					bytes: Buffer.concat(chunks),
				}),
			);
		});
		request.on("error", reject);
		request.end(body);
	});
}

/** Returns the number of responses from the cache. */
async function fromCache(): Promise<number> {
	const { values } = await cachedResponses.get();
	return values.filter(({ labels }) => labels.result === "hit").reduce((sum, { value }) => sum + value, 0);
}

/** Removes the headers that differ between two responses to the same request. */
const without = ({ date, "x-request-id": id, ...same }: IncomingHttpHeaders) => same;

async function longProduct(): Promise<string> {
	const given = {
		name: "Kopi Gayo",
		description: "Kopi dari dataran tinggi, é à la carte. ".repeat(60).trim(),
		price: 92_000,
		stock: 5,
		category: "kopi",
	};
	return (await keeper.call("v1.products.create", given)).id;
}

const decompress = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync };

describe("a page from the cache", () => {
	test("is byte by byte what the service answered, with the same headers", async () => {
		const id = await longProduct();
		for (const [method, headers] of [
			["GET", {}],
			["GET", { "accept-encoding": "gzip" }],
			["HEAD", {}],
		] as const) {
			for (const path of [`/api/v1/products/${id}`, `/api/products/${id}`, "/api/v1/products?limit=1"]) {
				const [first, second] = [await ask(path, headers, method), await ask(path, headers, method)];
				expect(second.status).toBe(200);
				expect(without(second.headers)).toEqual(without(first.headers));
				expect(second.bytes).toEqual(first.bytes);
				expect(second.headers["x-request-id"]).not.toBe(first.headers["x-request-id"]);
			}
		}
		expect(runs["v1.products.get"]).toBe(1);
	});

	test.each(["gzip", "br", "deflate"] as const)("is there in %s", async (encoding) => {
		const path = `/api/v1/products/${await longProduct()}`;
		const plain = await ask(path);
		for (let turn = 0; turn < 3; turn++) {
			const { headers, bytes } = await ask(path, { "accept-encoding": encoding });
			expect(headers).toMatchObject({ "content-encoding": encoding, vary: "Accept-Encoding" });
			expect(Number(headers["content-length"])).toBe(bytes.length);
			expect(decompress[encoding](bytes)).toEqual(plain.bytes);
			expect(headers.etag).toBe(plain.headers.etag);
		}
	});

	test.each([
		["", undefined],
		["identity", undefined],
		["gzip;q=0", undefined],
		["zstd", undefined],
		["*", "br"],
		["gzip, deflate, br", "br"],
		["br;q=0.1, gzip;q=0.5", "gzip"],
		[`gzip;x=${"x".repeat(50)}`, "gzip"],
	])("is sent to clients that accept %p in %p", async (accepted, encoding) => {
		const path = `/api/v1/products/${await longProduct()}`;
		for (let turn = 0; turn < 2; turn++) {
			const { headers } = await ask(path, { "accept-encoding": accepted });
			expect(headers["content-encoding"]).toBe(encoding);
		}
	});

	test("is not compressed where it is short", async () => {
		const path = `/api/v1/products/${(await newProduct(services, 1)).id}`;
		for (let turn = 0; turn < 2; turn++) {
			const { headers, bytes } = await ask(path, { "accept-encoding": "gzip, br" });
			expect(headers["content-encoding"]).toBeUndefined();
			expect(Number(headers["content-length"])).toBe(bytes.length);
		}
	});

	test("is 304 for clients that have it, by each conditional header", async () => {
		const path = `/api/v1/products/${await longProduct()}`;
		const { headers } = await ask(path);
		const tag = headers.etag as string;
		const asked = await fromCache();
		for (const given of [tag, tag.replace("W/", ""), `"other", ${tag}`, "*"]) {
			for (const method of ["GET", "HEAD"]) {
				const answer = await ask(path, { "if-none-match": given, "accept-encoding": "gzip" }, method);
				expect([answer.status, answer.bytes.length, answer.headers.etag]).toEqual([304, 0, tag]);
				expect(answer.headers).toMatchObject({ "cache-control": "no-cache" });
				expect(answer.headers["content-encoding"]).toBeUndefined();
			}
		}
		expect((await ask(path, { "if-none-match": '"other"' })).status).toBe(200);
		expect((await fromCache()) - asked).toBe(9);
	});

	test("takes the client's own request id, where it is harmless", async () => {
		const path = `/api/v1/products/${await longProduct()}`;
		await ask(path);
		expect((await ask(path, { "x-request-id": "order-2026.11_23" })).headers["x-request-id"]).toBe(
			"order-2026.11_23",
		);
		expect((await ask(path, { "x-request-id": "<b>" })).headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
	});

	test("is for everybody, whatever token they send", async () => {
		const path = `/api/v1/products/${await longProduct()}`;
		await ask(path);
		for (const authorization of ["Bearer a.b.c", "Basic x", `Bearer ${keeper.token}`, "", "Bearer ..."]) {
			expect((await ask(path, { authorization })).status).toBe(200);
		}
		expect(runs["v1.products.get"]).toBe(1);
	});

	test("is not used for another method or a request with a body", async () => {
		const path = `/api/v1/products/${await longProduct()}`;
		await ask(path);
		expect((await ask(path, {}, "POST")).status).toBe(405);
		expect((await ask(path, {}, "OPTIONS")).status).toBe(204);
		expect(
			(await ask(path, { "content-type": "text/plain", "content-length": "5" }, "GET", "hello")).status,
		).toBe(415);
		expect(
			(await ask(path, { "content-type": "application/json", "content-length": "1" }, "GET", "{")).status,
		).toBe(400);
		expect((await ask(path, { "content-length": "0" })).status).toBe(200);
	});
});

describe("a product that has changed", () => {
	test("is never served stale to the client that changed it, nor to anybody else at this gateway", async () => {
		const { id } = await newProduct(services, 100, 1000);
		const path = `/api/v1/products/${id}`;
		const buyer = await newUser(services);
		const known = (await ask(path)).headers.etag as string;
		for (let left = 99; left >= 95; left--) {
			await Promise.all([ask(path), ask(path, { "accept-encoding": "gzip" })]);
			const placed = await ask(
				"/api/v1/orders",
				{ authorization: `Bearer ${buyer.token}`, "content-type": "application/json" },
				"POST",
				JSON.stringify({ items: [{ product_id: id, quantity: 1 }] }),
			);
			expect(placed.status).toBe(201);
			for (const headers of [{ authorization: `Bearer ${buyer.token}` }, {}, { "if-none-match": known }]) {
				const answer = await ask(path, headers as Record<string, string>);
				expect(JSON.parse(answer.bytes.toString()).stock).toBe(left);
			}
		}
	});

	test("is gone under all its URLs once it is removed", async () => {
		const { id } = await newProduct(services, 1);
		const paths = [`/api/v1/products/${id}`, `/api/products/${id}`, `/api/v1/products/${encode(id)}`];
		for (const path of paths) {
			expect((await ask(path)).status).toBe(200);
		}
		const headers = { authorization: `Bearer ${keeper.token}` };
		expect((await ask(paths[0] as string, headers, "DELETE")).status).toBe(204);
		for (const path of paths) {
			expect((await ask(path)).status).toBe(404);
		}
	});
});

/** Percent-encodes each character of a text. */
function encode(text: string): string {
	return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

describe("a URL that is written in another way", () => {
	test("gets the same page, for one call, and each its own checks", async () => {
		const id = await longProduct();
		const plain = await ask(`/api/v1/products/${id}`);
		for (const path of [
			`/api/v1/products/${encode(id)}`,
			`/api/v1/products/${encode(id).toUpperCase()}`,
			`/api/v1/products/${id}/`,
			`//api//v1/products/${id}`,
			`/api/v1/products/${id}?`,
			`/API/V1/Products/${id}`,
		]) {
			for (let turn = 0; turn < 2; turn++) {
				const answer = await ask(path);
				expect([path, answer.status]).toEqual([path, 200]);
				expect(answer.bytes).toEqual(plain.bytes);
			}
		}
		expect(runs["v1.products.get"]).toBe(1);
	});

	test.each([
		["?extra=1", 422],
		["?id=other", 422],
		["?%", 400],
		["?x=%ff", 400],
		["%00", 404],
		["%zz", 404],
		["/more", 404],
	])("is refused each time where %s is wrong with it", async (wrong, status) => {
		const path = `/api/v1/products/${await longProduct()}`;
		for (let turn = 0; turn < 3; turn++) {
			expect((await ask(path)).status).toBe(200);
			expect((await ask(`${path}${wrong}`)).status).toBe(status);
		}
	});

	test("uses a bounded amount of memory", async () => {
		const { pages } = gateway.getLocalService("api") as unknown as { pages: { bytes: number; max: number } };
		const id = await longProduct();
		const before = pages.bytes;
		// Empty query parameters are ignored: each URL is another one of the same product.
		const urls = Array.from(
			{ length: 200 },
			(_, number) => `/api/v1/products/${id}?${"&".repeat(number + 1)}`,
		);
		const begun = performance.now();
		for (const url of urls) {
			expect((await ask(url)).status).toBe(200);
		}
		// A product is fresh for 10 s.
		expect(runs["v1.products.get"]).toBeLessThanOrEqual(1 + (performance.now() - begun) / 10_000);
		expect(pages.bytes).toBeGreaterThan(before);
		expect(pages.bytes).toBeLessThanOrEqual(pages.max);
		expect(pages.max).toBeLessThanOrEqual(64 * 1024 * 1024);
		// Refused requests leave nothing in the cache.
		const held = pages.bytes;
		for (let number = 0; number < 50; number++) {
			await ask(`/api/v1/products/${id}?extra${number}=1`);
			await ask(`/api/v1/products/none${number}`);
		}
		expect(pages.bytes).toBeLessThanOrEqual(held);
	});
});
