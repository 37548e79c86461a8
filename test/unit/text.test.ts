import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { comparable, trimmed } from "../../contracts/text.ts";

const blanks = [..."\t\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000\u2800"];
const unseen = [
	..."\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad\u034f\u061c\u180e\u2064\u3164\uffa0\ufe0f\u{e0041}",
];

describe("text that is compared", () => {
	test.each(blanks)("has one space for the blank %j, and for several", (blank) => {
		expect(comparable(`${blank}kopi${blank} ${blank}gayo${blank}`)).toBe("kopi gayo");
	});

	test.each(unseen)("loses %j, which cannot be seen, inside and outside", (char) => {
		expect(comparable(`${char}ko${char}pi${char} ${char}x${char}`)).toBe("kopi x");
		expect(comparable(`e${char}\u0301`)).toBe("é");
	});

	test("is composed, so that the same accent is the same, and no accent another", () => {
		expect(comparable("cafe\u0301")).toBe("caf\u00e9");
		expect(comparable("caf\u00e9")).toBe("caf\u00e9");
		expect(comparable("\u212b")).toBe("\u00c5");
		expect(comparable("cafe")).not.toBe(comparable("café"));
	});

	test.each([
		["a Persian verb", "می\u200cخواهم"],
		["a Hindi half letter", "क्\u200dष"],
		["a Sinhala conjunct", "ක්\u200dෂ"],
		["a Bengali ra before ya", "র\u200d্য"],
		["a Malayalam chillu at the end", "അവന്\u200d"],
		["a farmer", "👩‍🌾"],
		["a family", "👨‍👩‍👧‍👦"],
		["a dark-skinned farmer", "👩🏽‍🌾"],
		["a rainbow flag", "🏳️‍🌈"],
		["a red heart", "❤️"],
		["a key", "1️⃣"],
		["the flag of England", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
	])("keeps what %s is made of", (_, text) => {
		expect(comparable(text)).toBe(text.normalize("NFC"));
		expect(comparable(` ${text} \u200b`)).toBe(text.normalize("NFC"));
		expect(trimmed(` ${text} \u200b`)).toBe(text.normalize("NFC"));
	});

	test("loses joiners and selectors that nothing needs", () => {
		expect(comparable("ko\u200dpi\u200c ☕\ufe0f a\ufe0f \u200d🌾 سلام\u200c")).toBe("kopi ☕ a 🌾 سلام");
	});

	test("keeps or loses a joiner at the end by what stands before it once marks are in their places", () => {
		expect(trimmed("\u0301\u094d\u200d")).toBe("\u094d\u0301");
		expect(trimmed("\u0915\u094d\u200d")).toBe("\u0915\u094d\u200d");
	});

	test("loses a joiner behind a selector that it loses", () => {
		expect(comparable("a\ufe0f\u200d❤")).toBe("a❤");
		expect(comparable("❤\ufe0f\u200d❤")).toBe("❤\ufe0f\u200d❤");
	});

	test("is the same when it is made comparable once more, whatever it is", () => {
		const unit = fc.oneof(
			fc.constantFrom(...blanks, ...unseen, ..."e\u0301ک्क❤☕🏽🌾👩🏴1\u20e3\u202e\n "),
			fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
		);
		fc.assert(
			fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
				const once = comparable(units.join(""));
				expect(comparable(once)).toBe(once);
				expect(trimmed(trimmed(units.join("")))).toBe(trimmed(units.join("")));
			}),
			{ numRuns: 3000 },
		);
	});
});

describe("other text", () => {
	test("is composed and loses at its ends what cannot be seen, and nothing inside", () => {
		expect(trimmed("\ufeff\u00a0\u200bKopi\u00a0Ga\u00adyo \u2066\u3000\u200d")).toBe("Kopi\u00a0Ga\u00adyo");
		expect(trimmed("e\u0301 ")).toBe("é");
		expect(trimmed(unseen.join("") + blanks.join(""))).toBe("");
	});
});

test.each([
	["blanks", `a${" ".repeat(250_000)}b`],
	["joiners", `a${"\u200d".repeat(80_000)}b`],
	["tags", `\u{1f3f4}${"\u{e0041}".repeat(60_000)}b`],
	["selectors", "❤\ufe0f".repeat(40_000)],
	["marks", `a${"\u0323\u0301".repeat(60_000)}`],
])("a body full of %s is read in no time", (_, text) => {
	// Processor time, which a busy machine does not lengthen.
	const begun = process.cpuUsage();
	comparable(text);
	expect(process.cpuUsage(begun).user / 1000).toBeLessThan(1000);
});
