import { describe, expect, test } from "@jest/globals";
import { email, fold } from "../../contracts/email.ts";

const stored = (given: string) => email.safeParse(given).data;

describe("an e-mail address", () => {
	test.each([
		["budi@toko.test", "budi@toko.test"],
		["Budi.S+kopi@toko.test", "Budi.S+kopi@toko.test"],
		["o'neil_x-1@toko.test", "o'neil_x-1@toko.test"],
		["budi@TOKO.Test", "budi@toko.test"],
		["  budi@toko.test\u00a0\n", "budi@toko.test"],
	])("%j is stored as %j", (given, expected) => {
		expect(stored(given)).toBe(expected);
	});

	test.each([
		["budi@xn--bcher-kva.example", "budi@bücher.example"],
		["budi@xn--bcher-kva.example", "budi@BÜCHER.example"],
		["budi@xn--bcher-kva.example", "budi@bu\u0308cher.example"],
		["budi@xn--bcher-kva.example", "budi@XN--BCHER-KVA.Example"],
		["a@example.xn--p1ai", "a@example.рф"],
		["a@xn--e1afmkfd.xn--p1ai", "a@пример.рф"],
		["a@xn--fiqs8s.xn--fiqs8s", "a@中国。中国"],
		["a@xn--strae-oqa.test", "a@straße.test"],
		["a@xn--mgbaa5ab5ld74biokj256v.test", "a@پایگاه\u200cداده.test"],
	])("with an internationalised domain is one: %j is %j", (ascii, unicode) => {
		expect(stored(unicode)).toBe(ascii);
		expect(stored(ascii)).toBe(ascii);
	});

	test.each([
		["full-width letters", "ｂｕｄｉ＠ｔｏｋｏ．ｔｅｓｔ"],
		["a byte order mark", "\ufeffbudi@toko.test"],
		["marks of the direction", "\u202abudi@toko.test\u202c"],
		["zero-width spaces", "bu\u200bdi@to\u200bko.test"],
		["joiners before the @", "bu\u200ddi\u200c@toko.test"],
		["a soft hyphen and a word joiner", "bu\u00addi@to\u2060ko.te\u00adst"],
	])("that looks the same is the same: with %s", (_, given) => {
		expect(stored(given)).toBe("budi@toko.test");
	});

	test.each([
		...["", "@", "budi", "budi@", "@toko.test", "budi@toko", "a@b@toko.test", "bu di@toko.test"],
		...["budi@toko.test.", "budi@.toko.test", "budi@toko..test", "bu..di@toko.test", ".budi@toko.test"],
		...["budi.@toko.test", '"budi"@toko.test', "budi(kopi)@toko.test", "Budi <budi@toko.test>"],
		...["budi@[127.0.0.1]", "budi@127.0.0.1", "budi@1.2", "budi@0x7f.1", "budi@toko.test,siti@toko.test"],
		...["budi@toko.test/x", "budi@toko.test\\x", "budi@toko.test?x", "budi@toko.test#x", "budi@toko.test:25"],
		...["budi@b%C3%BCcher.example", "budi@to\tko.test", "bu\u0000di@toko.test", "budi@to_ko.test"],
		...["budi@xn--.example", "budi@xn--zzzzzz-.example", "budi@xn--toko-.test", "budi@toko.xn--99999999"],
		...["büdi@toko.test", "ındah@toko.test", "budi@toko\u200c.test", "budi@-toko.test", "a@℀.test"],
		...[
			"budi@toko.test\r\nBcc: siti@toko.test",
			`budi@${"a".repeat(64)}.test`,
			"budi@toko.1a",
			"x".repeat(5000),
		],
	])("is not %j", (given) => {
		expect(email.safeParse(given).error?.issues).toMatchObject([
			{ message: "must be an e-mail address such as budi@toko.test" },
		]);
	});

	test("has at most 255 characters as it is stored", () => {
		const domain = `${"ü".repeat(40)}.test`;
		const ascii = stored(`a@${domain}`)?.slice(2) ?? "";
		expect(ascii).toMatch(/^xn--/);
		expect(stored(`${"a".repeat(254 - ascii.length)}@${domain}`)).toHaveLength(255);
		expect(email.safeParse(`${"a".repeat(255 - ascii.length)}@${domain}`).error?.issues).toMatchObject([
			{ message: "must have at most 255 characters" },
		]);
	});

	test("that is stored is taken as it is", () => {
		for (const given of ["Budi@BÜCHER.example", "ｂｕｄｉ＠ｔｏｋｏ．ｔｅｓｔ", "a@straße.test"]) {
			expect(stored(stored(given) as string)).toBe(stored(given));
		}
	});
});

test("only A to Z are folded, as in no language's own way", () => {
	expect(fold("INDAH@Toko.test")).toBe("indah@toko.test");
	expect(fold("İIıÄ\u212a")).toBe("İiıÄ\u212a");
});
