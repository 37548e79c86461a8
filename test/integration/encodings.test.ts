import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { admin, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let address: string;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode("users", "products", "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	address = gatewayAddress(shop.getLocalService("api"));
	keeper = await admin(shop);
});

afterAll(() => shop.stop());

const goods = { name: "Kopi", description: "", price: 1000, stock: 5, category: "kopi" };

interface Answer {
	name?: string;
	code?: string;
	errors?: { path: string; message: string }[];
}

async function create(body: string | Buffer, headers: Record<string, string> = {}) {
	const response = await fetch(`${address}/api/v1/products`, {
		method: "POST",
		headers: { authorization: `Bearer ${keeper.token}`, "content-type": "application/json", ...headers },
		body,
	});
	return { status: response.status, body: (await response.json()) as Answer };
}

/** Sends a request with raw bytes in its path, which no client library would send. */
function rawGet(path: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect(Number(new URL(address).port), "127.0.0.1", () => {
			socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: toko\r\nConnection: close\r\n\r\n`, "latin1"));
		});
		let answer = "";
		socket.on("data", (chunk) => {
			answer += chunk;
		});
		socket.on("end", () => resolve(answer));
		socket.on("error", reject);
	});
}

describe("a body", () => {
	const json = (name: string) => JSON.stringify({ ...goods, name });
	const latin1 = Buffer.from(json("Café Windows-1252"), "latin1");

	test.each([
		["Windows-1252", latin1, {}],
		[
			"half a character",
			Buffer.concat([Buffer.from('{"name": "a'), Buffer.from([0xc3]), Buffer.from('"}')]),
			{},
		],
		["an encoded half of a surrogate pair", Buffer.from('{"name": "\xed\xa0\x80"}', "latin1"), {}],
		["UTF-16", Buffer.from(json("Café"), "utf16le"), {}],
		["Windows-1252, compressed", gzipSync(latin1), { "content-encoding": "gzip" }],
	])("that is %s is refused and nothing is stored", async (_, body, headers) => {
		const { products } = await callAction(shop, "v1.products.count", {});
		expect(await create(body, headers)).toMatchObject({ status: 400, body: { code: "MALFORMED_BODY" } });
		expect(await callAction(shop, "v1.products.count", {})).toEqual({ products });
	});

	test.each(["windows-1252", "iso-8859-1", "utf-16", "UTF-16LE", "utf-7", "", "x"])(
		"in the charset %p is not guessed",
		async (charset) => {
			const headers = { "content-type": `application/json; charset=${charset}` };
			expect(await create(json("Teh"), headers)).toMatchObject({
				status: 415,
				body: { code: "UNSUPPORTED_MEDIA_TYPE" },
			});
		},
	);

	test.each(["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])(
		"in the charset %s is taken",
		async (charset) => {
			const headers = { "content-type": `application/json; charset=${charset}` };
			expect((await create(json("Café ☕"), headers)).body.name).toBe("Café ☕");
		},
	);

	test("may begin with a byte order mark", async () => {
		const { status, body } = await create(`\ufeff${json("Café")}`);
		expect({ status, name: body.name }).toEqual({ status: 201, name: "Café" });
		const price = JSON.stringify({ ...goods, price: "?" }).replace('"?"', "150.000");
		expect((await create(`\ufeff${price}`)).body.errors).toMatchObject([{ path: "price" }]);
	});

	test("with a character that was lost before is refused in every text", async () => {
		for (const field of ["name", "description", "category"]) {
			expect(await create(JSON.stringify({ ...goods, [field]: "caf\ufffd" }))).toMatchObject({
				status: 422,
				body: { errors: [{ path: field, message: expect.stringMatching(/^must not hold U\+FFFD/) }] },
			});
		}
	});

	test("has its texts stored composed and without what cannot be seen at the ends", async () => {
		const { body } = await create(
			JSON.stringify({
				...goods,
				name: "\u200bCafe\u0301\u00a0",
				description: "\ufeffBiji\u00a0\n",
				category: "Ko\u00adpi",
			}),
		);
		expect(body).toMatchObject({ name: "Caf\u00e9", description: "Biji", category: "kopi" });
	});
});

describe("a query string", () => {
	test.each([
		"category=caf%E9",
		"category=%",
		"category=%zz",
		"category=%c3",
		"q=%ed%a0%80",
		"caf%E9=1",
		"limit=1&q=a%ff",
	])("is refused with %s", async (query) => {
		for (const path of ["/api/v1/products", "/api/products"]) {
			const response = await fetch(`${address}${path}?${query}`);
			expect({ status: response.status, type: response.headers.get("content-type") }).toEqual({
				status: 400,
				type: "application/problem+json; charset=utf-8",
			});
			expect(await response.json()).toMatchObject({
				code: "MALFORMED_QUERY",
				instance: expect.stringMatching(/./),
			});
		}
	});

	test.each(["\xe7ay", "\xc3\xa7ay"])("is refused with the bytes of %j as they are", async (bytes) => {
		expect(await rawGet(`/api/v1/products?category=${bytes}`)).toMatch(/^HTTP\/1\.1 400 /);
	});

	test("is kept in the link to the next page", async () => {
		for (let number = 0; number < 2; number++) {
			await create(JSON.stringify({ ...goods, category: "çay" }));
		}
		const first = await fetch(`${address}/api/v1/products?category=c%CC%A7ay&limit=1`);
		const link = /^<([^>]+)>/.exec(first.headers.get("link") ?? "")?.[1] as string;
		expect(await (await fetch(`${address}${link}`)).json()).toMatchObject([{ category: "çay" }]);
	});

	test("may have a plus for a blank, a plus and a percent", async () => {
		await create(JSON.stringify({ ...goods, category: "a b+c%" }));
		const response = await fetch(`${address}/api/v1/products?category=a+b%2Bc%25`);
		expect(await response.json()).toMatchObject([{ category: "a b+c%" }]);
	});
});
