import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { z } from "zod";
import { ambiguousNumber } from "../../cli/repl/repl.ts";
import { ambiguityMessage } from "../../contracts/numbers.ts";

afterEach(() => {
	jest.resetModules();
});

async function reader(decimals?: string) {
	const { replaceSettings } = await import("../../config/settings.ts");
	replaceSettings({ CURRENCY_DECIMALS: decimals });
	const { ambiguousLiterals, numberFromQuery } = await import("../../services/api/numbers.ts");
	const item = z.strictObject({ quantity: z.int(), price: z.number() });
	const schema = z.toJSONSchema(z.strictObject({ ...item.shape, items: z.array(item) }));
	return {
		paths: (json: string) => ambiguousLiterals(Buffer.from(json), schema).map(({ path }) => path),
		numberFromQuery,
	};
}

test.each([
	["150.000", "150.000 can be read as 150000 or as 150: write 150000 or 150"],
	["1,250", "1,250 can be read as 1250 or as 1.25: write 1250 or 1.25"],
	["-1.000", "-1.000 can be read as -1000 or as -1: write -1000 or -1"],
	[" 1.500 ", "1.500 can be read as 1500 or as 1.5: write 1500 or 1.5"],
	["9007199254740993.000", expect.stringContaining("as 9007199254740993000 or as 9007199254740993:")],
	["92000.00", undefined],
	["1.0000", undefined],
	["1000", undefined],
	["1.000.000", undefined],
])("%j tells both of its readings, where it has two", (text, message) => {
	expect(ambiguityMessage(text)).toEqual(message);
});

describe("a number in a query string", () => {
	test.each(["150.000", "150,000", "+1.000", " 1.000", "0.150"])("is refused as %j", async (text) => {
		const { numberFromQuery } = await reader();
		for (const isMoney of [true, false]) {
			expect(numberFromQuery(text, isMoney)).toEqual({ message: expect.stringContaining("can be read as") });
		}
	});

	test.each([
		"1e3",
		"0x10",
		"5 ",
		"--5",
		"٣",
		"５",
		"1.000.000",
		"1.000,50",
		"1 000",
		"",
		"1e400",
		"Infinity",
		".5",
		"5.",
	])("is no plain number as %j", async (text) => {
		expect((await reader()).numberFromQuery(text, true)).toEqual({
			message: "must be a number in plain digits, such as 150000",
		});
	});

	test.each([
		["92000.00", 92_000],
		["5", 5],
		["+5", 5],
		[" 5", 5],
		["-2", -2],
		["1.5", 1.5],
		["9007199254740993", 2 ** 53],
	])("is taken as %j", async (text, value) => {
		expect((await reader()).numberFromQuery(text, true)).toEqual({ value });
	});

	test("has three decimals where the currency has, if it is money", async () => {
		const { numberFromQuery } = await reader("3");
		expect(numberFromQuery("1.250", true)).toEqual({ value: 1.25 });
		expect(numberFromQuery("1,250", true).message).toMatch(/can be read as/);
		expect(numberFromQuery("1.250", false).message).toMatch(/can be read as/);
	});
});

describe("a number in a JSON body", () => {
	test("is refused with its path, wherever it is", async () => {
		const { paths } = await reader();
		expect(
			paths('{"price": 150.000, "items": [{"quantity": 2}, {"quantity": -1.000}], "x": {"y": 1.000}}'),
		).toEqual(["price", "items.1.quantity", "x.y"]);
		expect(paths('\ufeff{"__proto__": 1.000}')).toEqual(["__proto__"]);
	});

	test.each([
		'{"price": 92000.00}',
		'{"price": 1.25}',
		'{"price": 1.0000}',
		'{"price": 1.5e3}',
		'{"name": "1.000"}',
		"",
	])("is taken in %s", async (json) => {
		expect((await reader()).paths(json)).toEqual([]);
	});

	test.each(["3", "4"])("has three decimals where the currency has %s, if it is money", async (decimals) => {
		const { paths } = await reader(decimals);
		expect(
			paths('{"price": 1.250, "quantity": 1.000, "items": [{"price": 2.000, "quantity": 2.000}]}'),
		).toEqual(["quantity", "items.0.quantity"]);
	});
});

test.each([
	"call v1.products.changeStock --id a --quantity 1.000",
	"call v1.products.changeStock --quantity=1,000 --id a",
	"call v1.products.update --id a --price '150.000'",
	`call v1.products.update '{"id": "a", "price": 150.000}'`,
	`refund TK-000001 '{"amount": 150.000}'`,
	`dcall node-1 v1.orders.place '{"items": [{"product_id": "a", "quantity": 1.000}]}'`,
])("at the REPL a line is refused with such a number: %s", (line) => {
	expect(ambiguousNumber(line)).toMatch(/can be read as/);
});

test.each([
	"call v1.products.changeStock --id a --quantity 1000",
	"call v1.products.update --id a --price 92000.00 --name 'Kopi 1.000 gram'",
	`call v1.products.update '{"id": "a", "name": "1.000"}'`,
	"stock 1.000",
])("at the REPL a line is run without: %s", (line) => {
	expect(ambiguousNumber(line)).toBeUndefined();
});
