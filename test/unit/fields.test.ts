import { describe, expect, test } from "@jest/globals";
import { line, text } from "../../contracts/fields.ts";
import { newProduct } from "../../contracts/product-schemas.ts";

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

describe("the address of a picture", () => {
	const product = { name: "a", description: "", price: 1, stock: 1, category: "kopi" };
	const take = (image_url: unknown) => newProduct.safeParse({ ...product, image_url }).success;

	test.each([
		"https://toko.test/kopi.jpg?w=300#x",
		"http://toko.test/kopi%20gayo.jpg",
		"https://toko.test/咖啡.jpg",
		null,
	])("may be %j", (url) => {
		expect(take(url)).toBe(true);
	});

	test.each([
		["a NUL", "https://toko.test/\u0000.jpg"],
		["an escape", "https://toko.test/\u001b[31m.jpg"],
		["a C1 control character", "https://toko.test/\u009b31m.jpg"],
		["a blank", "https://toko.test/a b.jpg"],
		["an override of the direction", "https://toko.test/gpj.\u202eexe"],
		["an isolate of the direction", "https://toko.test/\u2067b"],
		["a mark of the direction", "https://toko.test/\u200fb"],
		["half a surrogate pair", "https://toko.test/\ud800"],
		["a script", "javascript:alert(1)"],
	])("may not hold %s", (_, url) => {
		expect(take(url)).toBe(false);
	});

	test("loses tabs and line breaks, as in a browser", () => {
		const { image_url } = newProduct.parse({ ...product, image_url: "https://toko.test/a\r\n\tb.jpg" });
		expect(image_url).toBe("https://toko.test/ab.jpg");
	});
});

test("a category is bounded as it is kept, in lower case", () => {
	const product = { name: "a", description: "", price: 1, stock: 1 };
	expect(newProduct.parse({ ...product, category: "Kopi" }).category).toBe("kopi");
	expect(newProduct.safeParse({ ...product, category: "İ".repeat(40) }).success).toBe(false);
});
