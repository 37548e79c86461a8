import { describe, expect, test } from "@jest/globals";
import { NumberColumn, type NumberFormat } from "../../hosting/catalogue/numbers.ts";

const AMBIGUOUS = expect.stringMatching(/--numbers id .* --numbers en/);

/**
 * Returns the value that a column reads from each text, or the reason why it refuses the text, and the notes of the
 * column.
 */
function column(texts: string[], format?: NumberFormat) {
	const numbers = new NumberColumn("price", format);
	for (const text of texts) {
		numbers.survey(text);
	}
	const read = texts.map((text) => {
		const reading = numbers.read(text);
		return "value" in reading ? reading.value : reading.reason;
	});
	return { read, notes: numbers.notes() };
}

describe("without a switch", () => {
	test.each([
		["92000", 92_000],
		["-5", -5],
		["007", 7],
		["92000.00", 92_000],
		["12.5", 12.5],
		["12,50", 12.5],
		["1.250.000", 1_250_000],
		["1,250,000", 1_250_000],
		["1.250,50", 1250.5],
		["1,250.50", 1250.5],
		["1,250.500", 1250.5],
	])("%s has one reading", (text, number) => {
		expect(column([text])).toEqual({ read: [number], notes: [] });
	});

	test.each([
		["92000.000", "92000000", "92000"],
		["0.500", "500", "0.5"],
		["92000,000", "92000000", "92000"],
	])("%s is never taken for a decimal: both readings are told", (text, thousands, decimal) => {
		expect(column([text]).read).toEqual([expect.stringContaining(`can mean ${thousands} or ${decimal}`)]);
	});

	test("a column that separates thousands by dots and by commas contradicts itself", () => {
		expect(column(["150.000", "1,500", "92000"]).read).toEqual([
			expect.stringContaining("150.000 can mean 150000 or 150,"),
			expect.stringContaining("1,500 can mean 1500 or 1.5,"),
			92_000,
		]);
	});

	test.each([
		"abc",
		"Rp 150.000",
		"1.2.3",
		"1.25.000",
		"1,250.000,5",
		".5",
		"5.",
		"1 000",
		"1e5",
		"",
		"٣",
		"--5",
	])("%j is not a number", (text) => {
		expect(column([text]).read).toEqual([expect.stringContaining("is not a number")]);
	});

	test.each([
		["150.000", 150_000, "dot", "en"],
		["1,000", 1000, "comma", "id"],
	])(
		"%s is read in thousands, which is told once with the switch against it",
		(text, number, name, other) => {
			const { read, notes } = column([text, "92000", text]);
			expect(read).toEqual([number, 92_000, number]);
			expect(notes).toEqual([
				`price: read ${text} as ${number}, since every ${name} in the column separates thousands; --numbers ${other} if it does not`,
			]);
		},
	);

	test.each([
		["150.000", "1.250.000", 150_000, 1_250_000],
		["150.000", "12,50", 150_000, 12.5],
		["1,250", "92000.00", 1250, 92_000],
		["-1,250", "1,250.5", -1250, 1250.5],
	])("%s is read in thousands beside %s", (text, other, number, other_number) => {
		expect(column([text, other]).read).toEqual([number, other_number]);
		expect(column([other, text]).read).toEqual([other_number, number]);
	});

	test.each([
		["150.000", "92000.00"],
		["150.000", "12.5"],
		["150.000", "1,250.5"],
		["150.000", "1,250,000"],
		["3,125", "1.250,50"],
		["3,125", "12,5"],
	])("%s is refused with both readings beside %s, which is taken", (text, other) => {
		const { read, notes } = column([text, other]);
		expect(read).toEqual([AMBIGUOUS, expect.any(Number)]);
		expect(read[0]).toMatch(/can mean (150000 or 150|3125 or 3\.125)/);
		expect(notes).toEqual([]);
	});
});

describe("with a switch", () => {
	test.each<[NumberFormat, string, number]>([
		["id", "150.000", 150_000],
		["id", "1.250.000,50", 1_250_000.5],
		["id", "12,500", 12.5],
		["id", "92000", 92_000],
		["en", "150.000", 150],
		["en", "1,250,000.50", 1_250_000.5],
		["en", "1,250", 1250],
		["en", "92000.00", 92_000],
	])("%s reads %s as %d", (format, text, number) => {
		expect(column([text, "92000.00", "1.250,50"], format)).toMatchObject({ notes: [] });
		expect(column([text], format).read).toEqual([number]);
	});

	test.each<[NumberFormat, string]>([
		["id", "92000.00"],
		["id", "1,250,000"],
		["en", "1.250.000"],
		["en", "12,50"],
	])("%s refuses %s, and says what it reads", (format, text) => {
		expect(column([text], format).read).toEqual([
			expect.stringContaining(`is not written as --numbers ${format} says`),
		]);
	});
});
