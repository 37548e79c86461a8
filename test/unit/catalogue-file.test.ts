import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Catalogue, type CatalogueOptions } from "../../hosting/catalogue/catalogue.ts";

let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "toko-catalogue-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = "sku,name,price,stock,category\n";
const NAMES = "“Kopi” é € – Ž";

/** Reads a file. Returns its products, the refused lines with reasons, and the messages to the user. */
async function read(content: string | Uint8Array, options: CatalogueOptions = {}, name = "file.csv") {
	const path = join(folder, name);
	writeFileSync(path, content);
	const catalogue = await Catalogue.open(path, options);
	const products: object[] = [];
	const refused: [number, string][] = [];
	if (catalogue.refusal === undefined) {
		for await (const item of catalogue.items()) {
			if ("value" in item) {
				products.push(item.value);
			} else {
				refused.push([item.line, item.reason]);
			}
		}
	}
	await catalogue.close();
	const { lines, notes, refusal } = catalogue;
	return { products, refused, lines, notes, refusal };
}

const utf16 = (text: string, isBig = false) => {
	const bytes = Buffer.from(text, "utf16le");
	return isBig ? bytes.swap16() : bytes;
};

/** Encodes a text as windows-1252, with those of its characters between 0x80 and 0x9f that `NAMES` contains. */
function windows1252(text: string) {
	const codes: Record<string, number> = { "“": 0x93, "”": 0x94, "€": 0x80, "–": 0x96, Ž: 0x8e };
	return Buffer.from([...text].map((char) => codes[char] ?? char.charCodeAt(0)));
}

describe("a file's text", () => {
	const text = `${HEADER}A,${NAMES},1000,5,kopi\n`;

	test.each<[string, Uint8Array, string | undefined]>([
		["UTF-8", Buffer.from(text), undefined],
		["UTF-8 with its mark", Buffer.from(`\ufeff${text}`), undefined],
		["UTF-16LE with its mark", utf16(`\ufeff${text}`), undefined],
		["UTF-16BE with its mark", utf16(`\ufeff${text}`, true), undefined],
		["UTF-16LE as told", utf16(text), "utf-16le"],
		["windows-1252 as told", windows1252(text), "windows-1252"],
		["windows-1252 by another name", windows1252(text), "latin1"],
		["UTF-8 by its mark, whatever is told", Buffer.from(`\ufeff${text}`), "windows-1252"],
	])("is read as %s", async (_, bytes, encoding) => {
		const { products } = await read(bytes, { encoding });
		expect(products).toMatchObject([{ sku: "A", name: NAMES }]);
	});

	test("as NDJSON keeps its first line behind a byte order mark", async () => {
		const line = JSON.stringify({ sku: "A", name: NAMES });
		for (const bytes of [Buffer.from(`\ufeff${line}`), utf16(`\ufeff${line}\n`)]) {
			const { products, lines } = await read(bytes, {}, "file.ndjson");
			expect([products, lines]).toEqual([[{ sku: "A", name: NAMES }], 1]);
		}
	});

	test.each([1, 3, 6000])("that is not UTF-8 is refused with line %d, where that shows", async (line) => {
		const before = [HEADER, ...Array.from({ length: 8000 }, (_, row) => `é${row},é,1,1,é\n`)];
		const bytes = Buffer.concat([
			Buffer.from(before.slice(0, line - 1).join("")),
			windows1252("x,é\n"),
			Buffer.from(before.slice(line).join("")),
		]);
		await expect(read(bytes)).rejects.toThrow(
			new RegExp(`^line ${line} is not UTF-8.*--encoding windows-1252`),
		);
	});

	test("that ends in the middle of a letter is refused", async () => {
		const bytes = Buffer.from(`${HEADER}A,b,1,2,é`);
		await expect(read(bytes.subarray(0, -1))).rejects.toThrow("line 2 is not UTF-8");
	});

	test("is refused too where it is not in the encoding that its mark or the person says", async () => {
		const bytes = windows1252("sku\né");
		await expect(read(Buffer.concat([Buffer.from("\ufeff"), bytes]))).rejects.toThrow(
			/line 2 .* byte order mark/,
		);
		await expect(read(bytes, { encoding: "shift_jis" })).rejects.toThrow("line 2 is not SHIFT_JIS");
		await expect(read(bytes, { encoding: "latin-17" })).rejects.toThrow('"latin-17"');
	});

	test("of UTF-16 without a mark is recognised", async () => {
		await expect(read(utf16(text))).rejects.toThrow("--encoding utf-16le");
		await expect(read(utf16(text, true))).rejects.toThrow("--encoding utf-16be");
	});

	test("that an earlier program damaged costs its record", async () => {
		const { products, refused } = await read(`${HEADER}A,caf\ufffd,1,2,b\nB,café,1,2,b\n`);
		expect(products).toMatchObject([{ sku: "B" }]);
		expect(refused).toEqual([[2, expect.stringMatching(/^name: .*U\+FFFD/)]]);
	});
});

describe("a file that is no catalogue is refused with what it is", () => {
	test.each<[string, string | Uint8Array]>([
		["spreadsheet", "PK\x03\x04…"],
		["gzip", gzipSync(HEADER)],
		["PDF", "%PDF-1.7"],
		["no products", ""],
		["no products", "\ufeff\r\n\r\n"],
		["no products", HEADER],
		["no products", "sep=;\n"],
	])("%s", async (what, content) => {
		await expect(read(content)).rejects.toThrow(what);
	});

	test("a directory, or nothing", async () => {
		const path = join(folder, "folder");
		await mkdir(path);
		await expect(Catalogue.open(path)).rejects.toThrow("is a directory");
		await expect(Catalogue.open(join(folder, "none.csv"))).rejects.toThrow("ENOENT");
	});

	test.each([
		["JSON", '[{"sku": "A"},\n{"sku": "B"}]'],
		["HTML or XML", "<table>\n<tr>"],
		["the column sku", "name,price\nA,1\n"],
		["the column price twice", "sku,price,Price \nA,1,2\n"],
		["says that | separates", "sep=|\nsku|name\n"],
	])("%s", async (what, content) => {
		expect((await read(content)).refusal).toContain(what);
	});
});

describe("a header", () => {
	const row = ["A", "Kopi, hitam; pahit\tsekali", "92000", "5", "kopi"];

	test.each([
		["commas", ",", ""],
		["semicolons", ";", ""],
		["tabs", "\t", ""],
		["Excel's first line", ";", "sep=;\r\n"],
		["Excel's first line with a tab", "\t", "sep=\t\r\n"],
	])("is read with %s", async (_, delimiter, before) => {
		const line = (fields: string[]) => `${fields.map((field) => `"${field}"`).join(delimiter)}\r\n`;
		const content = before + line([" SKU", "Name", "price ", "STOCK", "category"]) + line(row);
		expect((await read(content)).products).toEqual([
			{ sku: "A", name: expect.stringContaining("hitam; pahit"), price: 92_000, stock: 5, category: "kopi" },
		]);
	});

	test("may name the columns in any order, and few", async () => {
		expect((await read("price;sku\n12.500;A\n")).products).toEqual([{ sku: "A", price: 12_500 }]);
	});

	test("with columns that Toko does not know is refused once, with those that may be meant", async () => {
		const content = "sku,desc,kategori,prices,stok,colour,\nA,a,b,1,2,c,\nB,a,b,1,2,c,\n";
		const { refusal, lines, products } = await read(content);
		expect(lines).toBe(2);
		expect(products).toEqual([]);
		expect(refusal).toMatch(
			/desc \(description\?\), kategori \(category\?\), prices \(price\?\), stok \(stock\?\), colour, ""/,
		);
		expect(refusal).toContain("--ignore-unknown");
		const ignored = await read(content, { ignoreUnknown: true });
		expect(ignored).toMatchObject({
			products: [{ sku: "A" }, { sku: "B" }],
			refused: [],
			refusal: undefined,
		});
		expect(ignored.notes).toEqual([expect.stringContaining("colour")]);
	});
});

describe("NDJSON", () => {
	const ndjson = (content: string, options?: CatalogueOptions) => read(content, options, "file.ndjson");

	test("keeps apart what is absent, what is null and what is empty", async () => {
		const { products, refused } = await ndjson(
			'{"sku":"A"}\n{"sku":"B","description":null,"image_url":null,"stock":null}\n{"sku":"C","name":null,"price":null}\n{"price":1}\n',
		);
		expect(products).toEqual([{ sku: "A" }, { sku: "B", description: null, image_url: null }]);
		expect(refused).toEqual([
			[3, "name: must not be empty; price: must not be empty"],
			[4, expect.stringContaining("sku: ")],
		]);
	});

	test("reads numbers as they are written", async () => {
		const { products, refused, notes } = await ndjson(
			'{"sku":"A","price":150.000,"stock":1.000}\n{"sku":"B","price":1e5,"stock":2}\n{"sku":"C","price":"150000"}\n',
		);
		expect(products).toEqual([
			{ sku: "A", price: 150_000, stock: 1000 },
			{ sku: "B", price: 100_000, stock: 2 },
		]);
		expect(refused).toEqual([[3, expect.stringContaining("price: ")]]);
		expect(notes).toHaveLength(2);
	});

	test("names unknown fields once, each with its first line", async () => {
		const content = `{"sku":"A"}\n{"sku":"B","desc":"x"}\n{"sku":"C","desc":"x","warna":1}\n`;
		const { refusal, lines } = await ndjson(content);
		expect(refusal).toContain("desc (line 2, description?), warna (line 3)");
		expect(lines).toBe(3);
		expect((await ndjson(content, { ignoreUnknown: true })).products).toHaveLength(3);
	});

	test("refuses a line that is no object or names a field twice", async () => {
		const { products, refused } = await ndjson(
			'{"sku":"A","name":"x: \\"sku\\": y"}\n[1]\nnull\n{"sku":\n{"sku":"B","price":1,"price":2}\n5\n',
		);
		expect(products).toMatchObject([{ sku: "A" }]);
		expect(refused).toEqual([
			[2, "is not a JSON object"],
			[3, "is not a JSON object"],
			[4, "is not valid JSON"],
			[5, "names price twice"],
			[6, "is not a JSON object"],
		]);
	});
});

test("an unquoted decimal comma in a file of commas is told as what it is", async () => {
	const { refused } = await read(`${HEADER}A,Kopi,150,000,5,kopi\n`);
	expect(refused).toEqual([[2, expect.stringContaining("if 150,000 is one number, write it in quotes")]]);
});

test("a file that is written to between its two readings is noticed", async () => {
	const path = join(folder, "changed.csv");
	writeFileSync(path, `${HEADER}A,b,1,2,c\n`);
	const catalogue = await Catalogue.open(path);
	await catalogue.checkUnchanged();
	writeFileSync(path, `${HEADER}A,b,9,2,c\nB,b,1,2,c\n`);
	await expect(catalogue.checkUnchanged()).rejects.toThrow("was changed");
	await catalogue.close();
});

test("no character of a file reaches the terminal that would obey it", async () => {
	const { refusal } = await read("sku,\u001b[31mred\u009b,price\nA,b,1\n");
	expect(refusal).toContain("�[31mred�");
});
