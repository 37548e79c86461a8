import { describe, expect, test } from "@jest/globals";
import { line, text } from "../../contracts/fields.ts";
import { newProduct } from "../../contracts/products.ts";

describe("text", () => {
	test.each(["Kopi Gayo", "كتاب", "咖啡", "ทุเรียน", "👩‍🌾 tani", "a\tb"])("takes %j", (value) => {
		expect(line(1, 60).parse(value)).toBe(value);
	});

	test.each([
		["a NUL", "a\u0000b"],
		["an escape", "\u001b[31mred"],
		["a C1 control character", "a\u009b31m"],
		["an override of the direction", "gnp.\u202eexe"],
		["an isolate of the direction", "a\u2067b"],
		["half a surrogate pair", "a\ud800"],
	])("refuses %s", (_, value) => {
		expect(text(0, 60).safeParse(value).success).toBe(false);
	});

	test.each(["", "  ", "\u200b", "\u200d\ufeff", "\u00ad"])(
		"refuses %j where something must be seen",
		(value) => {
			expect(text(1, 60).safeParse(value).success).toBe(false);
			expect(text(0, 60).safeParse(value).success).toBe(true);
		},
	);

	test.each(["a\nb", "a\rb", "a\u2028b", "a\u2029b"])("of one line refuses %j", (value) => {
		expect(line(1, 60).safeParse(value).success).toBe(false);
	});
});

test("a category is bounded as it is kept, in lower case", () => {
	const product = { name: "a", description: "", price: 1, stock: 1 };
	expect(newProduct.parse({ ...product, category: "Kopi" }).category).toBe("kopi");
	expect(newProduct.safeParse({ ...product, category: "İ".repeat(40) }).success).toBe(false);
});
