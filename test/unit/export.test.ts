import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { catalogueLine } from "../../contracts/product-schemas.ts";
import { Catalogue } from "../../hosting/catalogue/catalogue.ts";
import { withFormula, withoutFormula } from "../../hosting/catalogue/formulas.ts";
import type { GroupDocument } from "../../services/products/documents.ts";
import { newDocument } from "../../services/products/model.ts";
import { csvLine, ndjsonLine } from "../../tools/export/csv.ts";
import { fileOutput } from "../../tools/export/output.ts";
import type { ExportFormat } from "../../tools/export/period.ts";
import type { ProductSource } from "../../tools/export/product-source.ts";
import { exportProducts } from "../../tools/export/products.ts";

let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "toko-export-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Text as the contract of a field accepts and normalizes it. */
function valid(field: keyof typeof catalogueLine.shape, texts: fc.Arbitrary<string>) {
	return texts
		.map((text) => catalogueLine.shape[field].safeParse(text).data as string | undefined)
		.filter((text) => text !== undefined);
}

/** Texts with what CSV, spreadsheets and numbers make of characters. */
const odd = fc.oneof(
	fc.string({ unit: "grapheme", maxLength: 30 }),
	fc
		.array(
			fc.constantFrom("=", "+", "-", "@", "'", '"', ",", ";", "\t", "\n", "\r\n", "a", "1.000", " ", "＝"),
			{
				maxLength: 8,
			},
		)
		.map((parts) => parts.join("")),
);

const lines = fc.uniqueArray(
	fc.record(
		{
			sku: valid("sku", odd),
			name: valid("name", odd),
			description: valid("description", odd),
			price: fc.nat(1_000_000),
			stock: fc.nat(1000),
			category: valid("category", odd),
			image_urls: fc.uniqueArray(
				fc.webUrl().filter((url) => !url.endsWith(",")),
				{ maxLength: 3 },
			),
			compare_at_price: fc.option(fc.nat(1_000_000)),
			weight_g: fc.nat(100_000),
			requires_shipping: fc.boolean(),
			group: fc.option(valid("group", odd)),
			group_name: valid("group_name", odd),
			option: valid("sku", odd).filter((name) => name !== "__proto__"),
			value: valid("sku", odd),
		},
		{ noNullPrototype: true },
	),
	{ selector: ({ sku }) => sku, maxLength: 12 },
);

/** Returns a store with these products, each in a group of its own or in none. */
function sourceOf(given: typeof lines extends fc.Arbitrary<infer L> ? L : never): ProductSource {
	const groups = new Map<string, GroupDocument>();
	const products = given.map(({ sku, group, group_name, option, value, ...product }, index) => {
		const group_id = group === null ? null : `group-${index}`;
		if (group_id !== null && group !== null) {
			const times = { created_at: "", updated_at: "", removed_at: null };
			const fields = { name: group_name, description: product.description, category: product.category };
			groups.set(group_id, { _id: group_id, key: group, ...fields, options: [option], ...times });
		}
		return newDocument(product, sku, null, { group_id, options: [[option, value]] });
	});
	return {
		async *pages() {
			yield { products, groups };
		},
		close: async () => undefined,
	};
}

async function exported(source: ProductSource, format: ExportFormat, period = {}): Promise<string> {
	let text = "";
	for await (const part of exportProducts(source, format, period)) {
		text += part.text;
	}
	return text;
}

/** Reads a file as an import does. */
async function readBack(text: string, format: ExportFormat) {
	const path = join(folder, `products.${format}`);
	writeFileSync(path, text);
	const catalogue = await Catalogue.open(path);
	const read: object[] = [];
	for await (const item of catalogue.items()) {
		read.push("value" in item ? item.value : { refused: item.reason, line: item.line });
	}
	await catalogue.close();
	return { read, refusal: catalogue.refusal };
}

test.each<ExportFormat>(["csv", "ndjson"])(
	"products exported as %s are read back as they are",
	async (format) => {
		await fc.assert(
			fc.asyncProperty(lines, async (given) => {
				fc.pre(given.length > 0);
				const { read, refusal } = await readBack(await exported(sourceOf(given), format), format);
				expect(refusal).toBeUndefined();
				expect(read).toEqual(
					given.map(({ option, value, group, group_name, ...product }) => ({
						...product,
						// CSV has no difference between an empty description and none.
						description: product.description === "" && format === "csv" ? null : product.description,
						...(format === "csv" ? { image_urls: product.image_urls } : {}),
						group,
						...(group === null ? {} : { group_name, group_category: product.category }),
						...(group === null || (product.description === "" && format === "csv")
							? {}
							: { group_description: product.description }),
						options: { [option]: value },
					})),
				);
			}),
			{ numRuns: 150 },
		);
	},
);

test("an option that is called like a method of objects is only in the products that have it", async () => {
	const product = { name: "Kopi", description: "", price: 1, stock: 1, category: "kopi" };
	const products = ["toString", "warna"].map((name) =>
		newDocument(product, name, null, { options: [[name, "a"]] }),
	);
	const source: ProductSource = {
		async *pages() {
			yield { products, groups: new Map() };
		},
		close: async () => undefined,
	};
	const lines = (await exported(source, "csv")).split("\r\n");
	expect(lines.map((line) => line.split(",").slice(-2).join())).toEqual([
		"option:toString,option:warna",
		"a,",
		",a",
		"",
	]);
});

test("a cell that a spreadsheet would calculate gets a quote before it, and loses it when it is read", () => {
	for (const text of ["=1+1", "+62812", "-5", "@SUM(A1)", "\t=1", "＝1", "'=1", "''+1"]) {
		expect(withoutFormula(text)).toBe(`'${text}`);
	}
	for (const text of ["1=1", "'quoted'", "a", "", "'", "Kopi - Gayo"]) {
		expect(withoutFormula(text)).toBe(text);
	}
	fc.assert(fc.property(odd, (text) => withFormula(withoutFormula(text)) === text));
});

test("a number with three decimals is not read as thousands", () => {
	expect(csvLine([1.234, 12.5, 150_000, null, true, "a;b"])).toBe('1.2340,12.5,150000,,true,"a;b"\r\n');
	expect(ndjsonLine({ price: 1.234, stock: 5 })).toBe('{"price":1.2340,"stock":5}\n');
});

test("products are those created from a moment on and before another", async () => {
	const product = { name: "Kopi", description: "", price: 1, stock: 1, category: "kopi" };
	const days = ["2026-11-01", "2026-11-02", "2026-11-03"];
	const products = days.map((day) => ({ ...newDocument(product, day), created_at: `${day}T00:00:00.000Z` }));
	const source: ProductSource = {
		async *pages() {
			yield { products, groups: new Map() };
		},
		close: async () => undefined,
	};
	const period = { from: "2026-11-01T00:00:00.000Z", to: "2026-11-03T00:00:00.000Z" };
	const text = await exported(source, "csv", period);
	expect(
		text
			.split("\r\n")
			.slice(1, -1)
			.map((line) => line.split(",")[0]),
	).toEqual(days.slice(0, 2));
});

describe("a file of an export", () => {
	test("is there once it is complete, and only its owner may read it", async () => {
		const path = join(folder, "complete.csv");
		const output = await fileOutput(path, false);
		await output.write("a\n");
		await output.write("b\n");
		expect(readdirSync(folder)).not.toContain("complete.csv");
		await output.finish();
		await output.abandon();
		expect(readFileSync(path, "utf8")).toBe("a\nb\n");
		expect(statSync(path).mode & 0o777).toBe(0o600);
		expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
	});

	test("replaces another only if that is wanted, and leaves nothing when it is abandoned", async () => {
		const path = join(folder, "there.csv");
		const late = await fileOutput(path, false);
		writeFileSync(path, "before");
		await expect(fileOutput(path, false)).rejects.toThrow(
			"is there already: name another file, or replace it with --force",
		);
		await late.write("after");
		await expect(late.finish()).rejects.toThrow("is there already");
		await late.abandon();
		expect(readFileSync(path, "utf8")).toBe("before");
		const output = await fileOutput(path, true);
		await output.write("after");
		await output.finish();
		expect(readFileSync(path, "utf8")).toBe("after");
		expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
		await expect(fileOutput(join(folder, "none", "a.csv"), false)).rejects.toThrow(
			/cannot write .*none\/a\.csv \(/,
		);
	});
});
