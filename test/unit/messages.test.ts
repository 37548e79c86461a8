import { describe, expect, test } from "@jest/globals";
import type { z } from "zod";
import { allActions } from "../../contracts/actions.ts";
import { orders } from "../../contracts/orders.ts";
import { fieldErrors } from "../../contracts/problems.ts";
import { newProduct } from "../../contracts/product-schemas.ts";
import { products } from "../../contracts/products.ts";

const given = { name: "Teh", description: "", price: 1000, stock: 5, category: "teh" };

function errorsOf(schema: z.ZodType, value: unknown) {
	const { error } = schema.safeParse(value);
	return error ? fieldErrors(error) : [];
}

const item = (quantity: unknown) => ({ items: [{ product_id: "a", quantity }] });

describe("a message says what is wrong with this value", () => {
	test.each([
		[undefined, "is required"],
		[null, "must be a number, not null"],
		["1", "must be a number, not text"],
		[[1], "must be a number, not a list"],
		[true, "must be a number, not true or false"],
		[1.5, "must be a whole number"],
		[0, "must be at least 1"],
		[-1e20, "must be at least 1"],
		[10_001, "must be at most 10000"],
		[1e20, "must be at most 10000"],
		[Number("9007199254740993"), "must be at most 10000"],
		[Number("1e400"), "must be at most 10000"],
		[Number("-1e400"), "must be at least 1"],
		[Number.NaN, "must be a number"],
	])("quantity %p %s", (quantity, message) => {
		expect(errorsOf(orders.actions.place.params, item(quantity))).toEqual([
			{ path: "items.0.quantity", message },
		]);
	});

	test.each([
		[{ stock: undefined }, "stock", "is required"],
		[{ stock: -1 }, "stock", "must be at least 0"],
		[{ stock: 1_000_000_001 }, "stock", "must be at most 1000000000"],
		[{ price: undefined }, "price", "is required"],
		[{ price: -1 }, "price", "must be at least 0"],
		[{ price: Infinity }, "price", "must be at most 1000000000000"],
		[{ price: 0.5 }, "price", "must be a whole number: IDR has no decimals"],
		[{ name: 7 }, "name", "must be text, not a number"],
		[{ name: "" }, "name", "must not be empty"],
		[{ name: "x".repeat(201) }, "name", "must have at most 200 characters"],
		[{ category: undefined }, "category", "is required"],
		[{ image_url: 7 }, "image_url", "must be an http or https address"],
		[
			{ name: "Kopi \ufffd" },
			"name",
			expect.stringMatching(/^must not hold U\+FFFD .*send the original text as UTF-8$/),
		],
	])("%p", (change, path, message) => {
		expect(errorsOf(newProduct, { ...given, ...change })).toEqual([{ path, message }]);
	});

	test.each([
		[{ limit: 101 }, "limit", "must be at most 100"],
		[{ sort: "stock" }, "sort", "must be one of created_at, -created_at, price, -price, name, -name"],
		[{ in_stock: "maybe" }, "in_stock", "must be true or false, not text"],
		[{ colour: 1 }, "colour", "is not a known field"],
	])("%p of a list", (params, path, message) => {
		expect(errorsOf(products.actions.list.params, params)).toEqual([{ path, message }]);
	});
});

describe.each([...allActions()].map(([name, { contract }]) => [name, contract.params] as const))(
	"%s",
	(_, params) => {
		test("tells that a missing field is required, and nothing else", () => {
			for (const { message } of errorsOf(params, {})) {
				expect(message).toMatch(/^is required$|^give either/);
			}
		});

		test("says in plain words what is wrong with any value", () => {
			const values = [
				null,
				"",
				"!",
				"\u0000",
				0,
				-1,
				1.5,
				1e20,
				Infinity,
				Number.NaN,
				true,
				[],
				[null],
				{},
				"x".repeat(9999),
			];
			for (const value of [null, "x", 7, []]) {
				expect(errorsOf(params, value).map(({ message }) => message)).toEqual([
					expect.stringMatching(/^must be an object, not /),
				]);
			}
			for (const field of Object.keys(params.shape)) {
				for (const value of values) {
					for (const { message } of errorsOf(params, { [field]: value })) {
						expect(message).toMatch(/^(must|is|give) /);
						expect(message).not.toMatch(
							/invalid|expected|received|too (big|small)|9007199254740991|undefined|\bint\b/i,
						);
					}
				}
			}
		});
	},
);
