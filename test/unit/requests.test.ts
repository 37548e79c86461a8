import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { action } from "../../contracts/contract.ts";
import { orders } from "../../contracts/orders.ts";
import { users } from "../../contracts/users.ts";
import { preferredLanguage } from "../../services/api/problems.ts";
import { parameterReader } from "../../services/api/requests.ts";

const nothing = { path: {}, query: {}, body: undefined, headers: {} };

const change = action({
	summary: "",
	permissions: "public",
	params: z.strictObject({
		id: z.int(),
		dry: z.string().optional(),
		key: z.string().optional(),
		name: z.string(),
	}),
	result: z.null(),
	rest: { method: "PUT", path: "/things/:id", query: ["dry"], headers: { "x-key": "key" } },
});

describe("the parameters of a request", () => {
	test("come from the path, the query string, a header and the body, each where the contract says", () => {
		const read = parameterReader(change);
		expect(
			read({ path: { id: "7" }, query: { dry: "1" }, headers: { "x-key": "k" }, body: { name: "n" } }),
		).toEqual({ id: 7, dry: "1", key: "k", name: "n" });
	});

	test.each([
		["the path's in the body", { body: { id: 1 } }],
		["a header's in the body", { body: { key: "k" } }],
		["the body's in the query string", { query: { name: "n" } }],
	])("are refused with %s", (_, parts) => {
		const read = parameterReader(change);
		expect(() => read({ ...nothing, path: { id: "1" }, ...parts })).toThrow(
			expect.objectContaining({ type: "VALIDATION_FAILED" }),
		);
	});

	test("are refused where they are no plain number, or one that can be read in two ways", () => {
		const read = parameterReader(users.actions.list);
		for (const [limit, message] of [
			...["1e9", "0x10", "", "  1", "1 ", "Infinity", "1".repeat(40)].map(
				(limit) => [limit, /in plain digits/] as const,
			),
			["1.000", /1000 or as 1:/] as const,
		]) {
			expect(() => read({ ...nothing, query: { limit } })).toThrow(
				expect.objectContaining({
					data: { errors: [{ path: "limit", message: expect.stringMatching(message) }] },
				}),
			);
		}
		expect(read({ ...nothing, query: { limit: ["1", "2"] } })).toEqual({ limit: ["1", "2"] });
		expect(read({ ...nothing, query: { limit: "-5" } })).toEqual({ limit: -5 });
	});

	test("are the same number with a plus, which is a blank in a query string", () => {
		const read = parameterReader(users.actions.list);
		for (const limit of ["5", "+5", " 5"]) {
			expect(read({ ...nothing, query: { limit } })).toEqual({ limit: 5 });
		}
	});

	test("have one way to write an id in a path", () => {
		const read = parameterReader(users.actions.get);
		for (const id of ["0", "02", "+2", " 2", "2.0", "2e0", "-2"]) {
			expect(read({ ...nothing, path: { id } })).toEqual({ id });
		}
		expect(read({ ...nothing, path: { id: "2" } })).toEqual({ id: 2 });
	});

	test("cannot reach a prototype", () => {
		const read = parameterReader(change);
		const params = read({
			...nothing,
			path: { id: "1" },
			body: JSON.parse('{"__proto__": {"role": "admin"}}'),
		});
		expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
		expect((params as { role?: string }).role).toBeUndefined();
	});
});

test.each([
	[undefined, "en"],
	["", "en"],
	["id", "id"],
	["id-ID,en;q=0.5", "id"],
	["en,id;q=0.9", "en"],
	["fr,de", "en"],
	["en;q=0,id;q=0.1", "id"],
	["*;q=x,;;;", "en"],
	["in", "id"],
	["in-ID,in;q=0.9,en-US;q=0.8", "id"],
	["IND", "id"],
	["id_ID", "id"],
	["id-Latn-ID", "id"],
	["en ; q = 0.5 , id ; Q=0.9", "id"],
	["\ten;q=0.300,\tid;q=0.5\t", "id"],
	["en;q=1.0,id", "en"],
	["id,en", "id"],
	["fr-CH, fr;q=0.9, in;q=0.8, *;q=0.5", "id"],
	["*", "en"],
	["fr, *;q=0.1", "en"],
	["en;q=0, *", "id"],
	["id;q=0.5, *;q=0.8", "en"],
	["id, *", "id"],
	["en;q=0", "en"],
	["ms, jv", "en"],
])("Accept-Language %s is answered in %s", (header, language) => {
	expect(preferredLanguage(header)).toBe(language);
});

describe("a body that is signed", () => {
	const read = parameterReader(orders.actions.takePaymentEvent);
	const payloadOf = (raw: Buffer) => read({ ...nothing, raw, headers: { "toko-signature": "t" } }).payload;

	test("is handed on so that the same bytes can be made of it", () => {
		const raw = Buffer.concat([
			Buffer.from([0xef, 0xbb, 0xbf]),
			Buffer.from('{"id": "é\u0000\ufffd😀"}\r\n'),
		]);
		expect(Buffer.from(payloadOf(raw) as string)).toEqual(raw);
	});

	test("is not asked how its numbers are meant: a machine wrote them", () => {
		expect(payloadOf(Buffer.from('{"amount": 150.000}'))).toBe('{"amount": 150.000}');
	});

	test("is refused where it is no text, which would be another after all", () => {
		for (const bytes of [[0x7b, 0xff, 0x7d], [0xc3], [0xed, 0xa0, 0x80]]) {
			expect(() => payloadOf(Buffer.from(bytes))).toThrow(
				expect.objectContaining({ type: "MALFORMED_BODY" }),
			);
		}
	});
});
