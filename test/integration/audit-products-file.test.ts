import { mkdir, readFile, rename, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { settings } from "../../config/settings.ts";
import { audit } from "../../tools/audit/audit.ts";
import { AuditedProducts } from "./audited-products.ts";

const shop = new AuditedProducts(undefined);

beforeAll(() => shop.start());
afterEach(() => shop.undo());
afterAll(() => shop.stop());

describe("the audit names", () => {
	const file = () => join(settings.directory, "products.db");

	test.each([
		["in the middle", (lines: string[]) => Math.floor(lines.length / 2)],
		["at the end", (lines: string[]) => lines.length - 2],
	])("a line %s of the products' file that is damaged", async (_place, choose) => {
		await shop.product();
		const text = await readFile(file(), "utf8");
		const lines = text.trimEnd().split("\n");
		const number = choose(lines) - (lines[choose(lines)]?.startsWith('{"$$batch"') ? 1 : 0);
		const broken = [...lines];
		broken[number] = (lines[number] as string).replace(":", ": ");
		await writeFile(file(), `${broken.join("\n")}\n`);
		shop.mend = () => writeFile(file(), text);
		expect(await shop.breaches()).toContainEqual(
			expect.stringMatching(/^file products.db is damaged between lines/),
		);
	});

	const batch = (line: string) => {
		const bytes = Buffer.from(`${line}\n`);
		return `${line}\n{"$$batch":{"bytes":${bytes.length},"crc32":${crc32(bytes)}}}\n`;
	};

	test.each([
		["no JSON", (text: string) => text + batch("{broken")],
		["null", (text: string) => text + batch("null")],
		["blank", (text: string) => text + batch(" ")],
		[
			"no JSON before the first mark",
			(text: string) => `{broken\n{"$$batch":{"bytes":0,"crc32":0}}\n${text}`,
		],
	])("a line of the products' file that is %s, as the next start does", async (_name, broken) => {
		await shop.product();
		const text = await readFile(file(), "utf8");
		await writeFile(file(), broken(text));
		shop.mend = () => writeFile(file(), text);
		const lines = await shop.breaches();
		expect(lines).toEqual([
			expect.stringMatching(/^line \d+ of products.db cannot be read: the next start refuses the file$/),
		]);
	});

	test("two products of one sku, with which the next start fails", async () => {
		const { id } = await shop.product();
		const document = await shop.document(id);
		const text = await readFile(file(), "utf8");
		await writeFile(file(), text + batch(JSON.stringify({ ...document, _id: `${id}twice` })));
		shop.mend = () => writeFile(file(), text);
		expect(await shop.breaches()).toEqual([
			expect.stringMatching(`^product ${id}.* has the sku ${document.sku}, which another product has too$`),
		]);
	});

	test("a products' file that is a folder, while the other checks go on", async () => {
		await rename(file(), `${file()}.aside`);
		await mkdir(file());
		shop.mend = async () => {
			await rmdir(file());
			await rename(`${file()}.aside`, file());
		};
		const { breaches: all, results } = await audit(shop.sources, 20_000, 50);
		const lines = all.map(({ document, what }) => `${document} ${what}`);
		expect(lines).toEqual(
			expect.arrayContaining(
				["products and their holds", "the products' file"].map((about) =>
					expect.stringMatching(`^check "${about}" could not be checked: EISDIR`),
				),
			),
		);
		expect(results.map(({ check }) => check)).toContain("an order has a valid history");
	});

	test("a product that was deleted although nobody ordered it", async () => {
		const { id } = await shop.product();
		const document = await shop.document(id);
		await shop.remove(id);
		shop.mend = () => shop.store.insert(document);
		expect(await shop.breaches()).toEqual([`product ${id} was deleted from the file`]);
	});
});
