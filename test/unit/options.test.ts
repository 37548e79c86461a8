import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { foldedOption, optionNames, options } from "../../contracts/options.ts";
import { hasNames, variantKey } from "../../services/products/variants.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const;

describe("the form in which options are compared", () => {
	test("is the same for a text in each form of Unicode", () => {
		fc.assert(
			fc.property(text, fc.constantFrom(...forms), (given, form) => {
				expect(foldedOption(given.normalize(form))).toBe(foldedOption(given));
			}),
			{ numRuns: 2000 },
		);
	});

	test("is the same for a text in small letters, and folding it again changes nothing", () => {
		fc.assert(
			fc.property(text, (given) => {
				expect(foldedOption(given.toLowerCase())).toBe(foldedOption(given));
				expect(foldedOption(foldedOption(given))).toBe(foldedOption(given));
			}),
			{ numRuns: 2000 },
		);
	});

	test.each([
		["M", "m"],
		["Straße", "STRASSE"],
		["STRAẞE", "strasse"],
		["ΟΔΟΣ", "οδος"],
		["\u212b", "å"],
		["ﬁn", "FIN"],
		["\uff2d\uff33", "ms"],
		["biru\u00a0\u2003tua", " Biru tua\u200b"],
	])("is the same for %j and %j", (one, other) => {
		expect(foldedOption(one)).toBe(foldedOption(other));
	});

	test.each([
		["e", "é"],
		["i", "ı"],
		["M", "L"],
		["40", "4 0"],
	])("differs for %j and %j", (one, other) => {
		expect(foldedOption(one)).not.toBe(foldedOption(other));
	});
});

describe("the key of a variant", () => {
	const pairs = fc.uniqueArray(fc.tuple(text, text), {
		minLength: 1,
		maxLength: 3,
		selector: ([name]) => foldedOption(name),
	});

	test("does not depend on order, case and form, and differs in another group", () => {
		fc.assert(
			fc.property(pairs, fc.constantFrom(...forms), (given, form) => {
				const written = given
					.toReversed()
					.map(([name, value]): [string, string] => [name.toLowerCase(), value.normalize(form)]);
				expect(variantKey("g", written)).toBe(variantKey("g", given));
				expect(variantKey("h", given)).not.toBe(variantKey("g", given));
			}),
		);
	});

	test("differs if a value does, and if two values change places", () => {
		fc.assert(
			fc.property(pairs, text, (given, other) => {
				const [[name, value], ...rest] = given as [[string, string], ...[string, string][]];
				fc.pre(foldedOption(other) !== foldedOption(value));
				expect(variantKey("g", [[name, other], ...rest])).not.toBe(variantKey("g", given));
			}),
		);
		expect(
			variantKey("g", [
				["a", "b"],
				["c", "d"],
			]),
		).not.toBe(
			variantKey("g", [
				["a", "d"],
				["c", "b"],
			]),
		);
	});
});

test("options have exactly the names of a group, in any order", () => {
	expect(
		hasNames(
			[
				["a", "1"],
				["b", "2"],
			],
			["b", "a"],
		),
	).toBe(true);
	expect(hasNames([["a", "1"]], ["b", "a"])).toBe(false);
	expect(
		hasNames(
			[
				["a", "1"],
				["c", "2"],
			],
			["b", "a"],
		),
	).toBe(false);
	expect(hasNames(null, ["a"])).toBe(false);
});

test.each([
	[{}, "must have 1 to 3 options"],
	[{ a: "1", b: "2", c: "3", d: "4" }, "must have 1 to 3 options"],
	[{ " ": "1" }, "has a name that must not be empty"],
	[{ ["x".repeat(61)]: "1" }, "has a name that must have at most 60 characters"],
	[{ ukuran: "1", "UKURAN ": "2" }, 'must not have the option "ukuran" twice'],
])("options such as %j are refused with one line", (given, message) => {
	expect(options.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message]);
});

test("names and values are stored in the form that looks the same, and names of a group are distinct", () => {
	expect(options.parse({ " cafe\u0301 ": " tua\u00a0sekali " })).toEqual({ "caf\u00e9": "tua sekali" });
	expect(optionNames.parse([" Ukuran ", "warna"])).toEqual(["Ukuran", "warna"]);
	expect(optionNames.safeParse(["caf\u00e9", "CAFE\u0301"]).error?.issues).toEqual([
		expect.objectContaining({ path: [1], message: 'is the same option as "caf\u00e9"' }),
	]);
});
