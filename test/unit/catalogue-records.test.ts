import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Item, type Reading, RecordReader } from "../../hosting/catalogue/records.ts";

const FIELDS = 5;
const good = (number: number) => `G-${number},Teh ${number},1000,5,teh`;

/** Accepts records of five fields whose second field is a single line, like the contract. */
function read(fields: string[]): Reading<string[]> {
	if (fields.length !== FIELDS) {
		return { reason: "fields" };
	}
	return fields[1]?.includes("\n") ? { reason: "one line" } : { value: fields };
}

async function* chunksOf(text: string, sizes: number[]): AsyncGenerator<string> {
	let at = 0;
	for (let turn = 0; at < text.length; turn++) {
		const size = sizes[turn % sizes.length] as number;
		yield text.slice(at, at + size);
		at += size;
	}
}

async function itemsOf(text: string, sizes = [7], delimiter = ","): Promise<Item<string[]>[]> {
	return all(new RecordReader(chunksOf(text, sizes)).records(delimiter, read));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
	const found: T[] = [];
	for await (const item of items) {
		found.push(item);
	}
	return found;
}

const taken = (items: Item<string[]>[]) => items.flatMap((item) => ("value" in item ? [item.value] : []));
const refused = (items: Item<string[]>[]) =>
	items.flatMap((item) => ("value" in item ? [] : [[item.line, item.reason] as const]));
const skus = (items: Item<string[]>[]) => taken(items).map(([sku]) => sku);

describe("a CSV file", () => {
	test("reads back as it was written, wherever its chunks end", async () => {
		const field = fc.oneof(
			fc.string({ unit: fc.constantFrom("a", "é", " ", '"', ",", "\n", "\r\n", ";", "1"), maxLength: 12 }),
			fc.string({ unit: "grapheme", maxLength: 5 }),
		);
		const record = fc.tuple(fc.constant("sku"), fc.constant("name"), field, field, field);
		await fc.assert(
			fc.asyncProperty(
				fc.array(record, { maxLength: 20 }),
				fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
				fc.constantFrom(",", ";", "\t"),
				fc.constantFrom("\n", "\r\n"),
				async (records, sizes, delimiter, end) => {
					const text = records
						.map((fields) => fields.map((value) => `"${value.replaceAll('"', '""')}"`).join(delimiter) + end)
						.join("");
					expect(taken(await itemsOf(text, sizes, delimiter))).toEqual(records);
				},
			),
		);
	});

	test("with any quotes and line ends is read the same, wherever its chunks end", async () => {
		const pieces = [
			'"',
			'""',
			",",
			"\n",
			"\r\n",
			"\r",
			" ",
			"a",
			`${good(1)}\n`,
			'B,"b,1,2,t\n',
			'A,b,"c\nd",1,t\n',
		];
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.constantFrom(...pieces), { maxLength: 30 }),
				fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
				async (parts, sizes) => {
					const text = parts.join("");
					const items = await itemsOf(text, sizes);
					expect(items).toEqual(await itemsOf(text, [text.length + 1]));
					// Each item begins on its own line.
					const lines = items.map(({ line }) => line);
					expect(new Set(lines).size).toBe(lines.length);
					expect(lines).toEqual(lines.toSorted((one, other) => one - other));
				},
			),
			{ numRuns: 2000 },
		);
	});

	test("loses no more lines than are damaged, and counts each once", async () => {
		const damages = [
			'B,"Layar 15" lebar",1000,5,bq',
			'B,"Layar 15,1000,5,bq',
			'B,"Layar, 15,1000,5,bq',
			'B,Layar 15,"1000,5,bq',
			"B,Layar 15,1000",
			"B,Layar,15,1000,5,bq",
		];
		await fc.assert(
			fc.asyncProperty(
				fc.uniqueArray(fc.integer({ min: 0, max: 19 }), { maxLength: 10 }),
				fc.array(fc.constantFrom(...damages), { minLength: 20, maxLength: 20 }),
				fc.array(fc.constantFrom("\n", "\r\n"), { minLength: 40, maxLength: 40 }),
				async (places, kinds, ends) => {
					// A good line follows each damaged one: two damaged lines in a row may leave no safe place to resume.
					const lines = kinds.flatMap((damage, place) => [
						places.includes(place) ? damage : good(100 + place),
						good(place),
					]);
					const items = await itemsOf(lines.map((line, index) => line + ends[index]).join(""));
					expect(items).toHaveLength(lines.length);
					expect(refused(items).map(([line]) => line)).toEqual(
						places.map((place) => 2 * place + 1).sort((one, other) => one - other),
					);
				},
			),
		);
	});

	test("may mix its line ends, and end them by CR where the first line does", async () => {
		const mixed = await itemsOf(`${good(1)}\n${good(2)}\r\n\r\n${good(3)}\n${good(4)}`);
		expect(skus(mixed)).toEqual(["G-1", "G-2", "G-3", "G-4"]);
		expect(refused(mixed)).toEqual([]);
		const mac = await itemsOf(`${good(1)}\r${good(2)}\r\rbad\r${good(3)}`);
		expect(skus(mac)).toEqual(["G-1", "G-2", "G-3"]);
		expect(refused(mac)).toEqual([[4, "fields"]]);
	});

	test("has records of several lines, which are numbered by their first", async () => {
		const items = await itemsOf(`A,b,"x\n\ny",1,t\nB,b\n${good(1)}\n`);
		expect(items).toMatchObject([
			{ line: 1, last_line: 3, value: ["A", "b", "x\n\ny", "1", "t"] },
			{ line: 4, reason: "fields" },
			{ line: 5, last_line: 5 },
		]);
	});

	test("may hold quotes inside fields that have none around them", async () => {
		expect(taken(await itemsOf('A-1,Layar 15" lebar, 10 ,"5" ,a"b"\n'))).toEqual([
			["A-1", 'Layar 15" lebar', "10", "5", 'a"b"'],
		]);
	});

	test("goes on in the second line of a record whose quote was never meant to open", async () => {
		const items = await itemsOf(`B,"Layar 15,1000,5,bq\n${good(1)}\n${good(2)}\n`);
		expect(skus(items)).toEqual(["G-1", "G-2"]);
		expect(refused(items)).toEqual([[1, expect.stringContaining("opens in line 1")]]);
		// The quote closes properly later, which gives a name of two lines.
		const closed = await itemsOf(`B,"Layar 15,1000,5,bq\nC,Kabel 3",1000,5,bq\n${good(1)}\n`);
		expect(skus(closed)).toEqual(["C", "G-1"]);
		expect(refused(closed)).toEqual([[1, "one line"]]);
	});

	test("takes no line out of a text that was quoted on purpose, also where its end is damaged", async () => {
		const items = await itemsOf(`K,"Teh,1000,5,\n${good(9)}\nselesai" x,1000,5,teh\n${good(1)}\n`);
		expect(skus(items)).toEqual([]);
		expect(items).toMatchObject([
			{ line: 1, isStop: true, reason: expect.stringContaining("opens in line 1") },
		]);
	});

	test("goes on in the second line where the quote of a later record seems to close the first one's", async () => {
		const items = await itemsOf(`B,"Layar 15,1000,5,bq\n${good(1)}\nC,"Kursi, besar",1000,5,bq\n`);
		expect(skus(items)).toEqual(["G-1", "C"]);
		expect(refused(items)).toHaveLength(1);
	});

	test("goes on after a record of several lines that is refused", async () => {
		const items = await itemsOf(`B,"two\nlines",1000,5,bq\n${good(1)}\n`);
		expect(skus(items)).toEqual(["G-1"]);
		expect(refused(items)).toEqual([[1, "one line"]]);
	});

	test.each([
		["never closes", 'A,b,"x\ny\nz\n'],
		["closes inside other text", `A,b,"x\nhe said "y" and\nz",1,t\n${good(1)}\n`],
	])("stops where a quote %s and the next line is no product, and says where it opened", async (_, text) => {
		const items = await itemsOf(`${good(0)}\n${text}`);
		expect(items).toMatchObject([
			{ line: 1 },
			{ line: 2, isStop: true, reason: expect.stringContaining("opens in line 2") },
		]);
	});

	describe("with something of more than 1 MiB", () => {
		const long = "x".repeat(70_000);
		const chunks = async function* (...parts: [string, number][]) {
			for (const [part, times] of parts) {
				for (let time = 0; time < times; time++) {
					yield part;
				}
			}
		};
		const recordsOf = (text: AsyncIterable<string>) => all(new RecordReader(text).records(",", read));

		test.each<[string, [string, number][]]>([
			[
				"a line without an end",
				[
					["A,b,", 1],
					[long, 300],
					[",1,t\n", 1],
				],
			],
			[
				"a quoted line",
				[
					['A,b,"', 1],
					[long, 300],
					['",1,t\n', 1],
				],
			],
			[
				"a quoted line with a fault",
				[
					['A,b,"', 1],
					[long, 300],
					['"x,1,t\n', 1],
				],
			],
			[
				"a quoted field of many lines",
				[
					['A,b,"', 1],
					[`${long}\n""`, 300],
					['",1,t\r\n', 1],
				],
			],
			[
				"a quoted field whose second line ends with the file",
				[
					['A,b,"', 1],
					[long, 1],
					["\n", 1],
					[long, 14],
					['",1,t\n', 1],
				],
			],
		])("loses only %s", async (_, parts) => {
			const items = await recordsOf(chunks([`${good(1)}\n`, 1], ...parts, [`${good(2)}\n`, 1]));
			expect(skus(items)).toEqual(["G-1", "G-2"]);
			expect(refused(items)).toEqual([[2, expect.stringContaining("1 MiB")]]);
		});

		test("goes on in the second line if the quote was never meant to open", async () => {
			const items = await recordsOf(
				chunks(['B,"b,1,2,t\n', 1], [`${good(1)}\n`, 100_000], [`${good(2)}`, 1]),
			);
			expect(taken(items)).toHaveLength(100_001);
			expect(refused(items)).toHaveLength(1);
		});

		test("stops where the quote never closes", async () => {
			const items = await recordsOf(chunks([`${good(1)}\n`, 1], ['A,b,"', 1], [`${long}\n`, 300]));
			expect(items.at(-1)).toMatchObject({ line: 2, isStop: true });
		});
	});

	test("takes time in proportion to its length, whatever its quotes", async () => {
		// Processor time, which a busy machine does not lengthen.
		const time = async (pairs: number) => {
			const begin = process.cpuUsage();
			await itemsOf(`B,"b,1,2,t\n${good(1)}\n`.repeat(pairs), [65_536]);
			const { user, system } = process.cpuUsage(begin);
			return (user + system) / 1000;
		};
		await time(2000);
		expect(await time(20_000)).toBeLessThan(60 * (await time(2000)) + 500);
	});
});

test("lines are read one by one; one that is too long is refused alone", async () => {
	const text = `\r\n{"a":1}\r\n  \n${"x".repeat(3_000_000)}\n{"b":2}`;
	const items = await all(
		new RecordReader(chunksOf(text, [60_000])).lines((line) => ({ value: line.trim() })),
	);
	expect(items).toEqual([
		{ line: 2, last_line: 2, value: '{"a":1}' },
		{ line: 4, reason: expect.stringContaining("1 MiB") },
		{ line: 5, last_line: 5, value: '{"b":2}' },
	]);
});
