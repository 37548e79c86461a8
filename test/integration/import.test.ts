import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { Catalogue, type CatalogueOptions } from "../../hosting/catalogue/catalogue.ts";
import { importCatalogue } from "../../hosting/catalogue/import.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import { startNode, stockOf } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

const NOTHING = { created: 0, updated: 0, unchanged: 0, refused: 0, not_read: 0 };

describe.each(stores)("a catalogue file imported into %s", (_, url) => {
	let broker: ServiceBroker;
	let folder: string;

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "toko-import-"));
		chooseStore(url);
		broker = await startNode("products");
		setVariables({ MONGO_URL: undefined });
	});

	afterAll(async () => {
		await broker.stop();
		rmSync(folder, { recursive: true });
	});

	/** Imports a file with this content. Returns the result with the refused lines. */
	async function take(content: string | Uint8Array, options: CatalogueOptions = {}, ending = "csv") {
		const path = join(folder, `${randomUUID()}.${ending}`);
		writeFileSync(path, content);
		const refused: [number, string][] = [];
		const catalogue = await Catalogue.open(path, options);
		const counts = await importCatalogue(broker, catalogue, (line, reason) => refused.push([line, reason]));
		await catalogue.close();
		return { counts, refused, notes: catalogue.notes };
	}

	async function productOf(sku: string) {
		const found = await stockOf(broker, sku);
		return callAction(broker, "v1.products.get", { id: found?.id as string });
	}

	/** Creates a product with all fields set. */
	async function known() {
		const sku = randomUUID();
		await take(
			`sku,name,description,price,stock,category,image_url\n${sku},Kopi,Harum,92000,5,kopi,https://toko.test/a.jpg\n`,
		);
		return { sku, product: await productOf(sku) };
	}

	test("keeps what it does not say, in CSV and in NDJSON", async () => {
		const { sku, product } = await known();
		const price_list = await take(`sku,name,price,stock,category\n${sku},Kopi,95000,99,kopi\n`);
		expect(price_list.counts).toEqual({ ...NOTHING, updated: 1 });
		expect(await productOf(sku)).toEqual({ ...product, price: 95_000, updated_at: expect.any(String) });
		await take(`sku,price\n${sku},96000\n`);
		await take(`${JSON.stringify({ sku, name: "Kopi Gayo" })}\n`, {}, "ndjson");
		expect(await productOf(sku)).toEqual({
			...product,
			price: 96_000,
			name: "Kopi Gayo",
			updated_at: expect.any(String),
		});
	});

	test("is found by all words of what it then says", async () => {
		const { sku, product } = await known();
		const word = `w${randomUUID().slice(0, 8)}`;
		await take(`sku,name\n${sku},Kopi ${word}\n`);
		const { items: found } = await callAction(broker, "v1.products.list", {
			q: `${word} harum`,
			max_price: 92_000,
		});
		expect(found.map(({ id }) => id)).toEqual([product.id]);
	});

	test("empties what a cell or null empties", async () => {
		const csv = await known();
		expect((await take(`sku,description,image_url\n${csv.sku},,\n`)).counts.updated).toBe(1);
		const ndjson = await known();
		await take(JSON.stringify({ sku: ndjson.sku, description: null, image_url: null }), {}, "ndjson");
		for (const { sku, product } of [csv, ndjson]) {
			expect(await productOf(sku)).toEqual({
				...product,
				description: "",
				image_url: null,
				image_urls: [],
				updated_at: expect.any(String),
			});
		}
	});

	test("refuses an empty name, price or category, and passes over an empty stock of a known product", async () => {
		const { sku, product } = await known();
		const { counts, refused } = await take(
			`sku,name,price,stock,category\n${sku},,,1,\n${sku},Kopi,93000,,kopi\n`,
		);
		expect(counts).toEqual({ ...NOTHING, updated: 1, refused: 1 });
		expect(refused[0]?.[1]).toMatch(/^name: .*price: .*category: /);
		expect(await productOf(sku)).toMatchObject({ price: 93_000, stock: product.stock });
	});

	test("refuses new products that are incomplete, with what they lack, and takes the others", async () => {
		const { sku } = await known();
		const [incomplete, complete] = [randomUUID(), randomUUID()];
		const short = await take(`sku,price\n${incomplete},1000\n${sku},1000\n`);
		expect(short.counts).toEqual({ ...NOTHING, updated: 1, refused: 1 });
		expect(short.refused).toEqual([[2, expect.stringMatching(/needs name, stock, category$/)]]);
		const { counts } = await take(
			`sku,name,price,stock,category\n${incomplete},Teh,1000,,teh\n${complete},Teh,1000,4,teh\n`,
		);
		expect(counts).toEqual({ ...NOTHING, created: 1, refused: 1 });
		expect(await productOf(complete)).toMatchObject({ description: "", image_url: null, stock: 4 });
	});

	test("changes nothing a second time", async () => {
		const { sku, product } = await known();
		const content = `sku,description,price\n${sku},"two\nlines",92000\n`;
		expect((await take(content)).counts).toEqual({ ...NOTHING, updated: 1 });
		const { updated_at } = await productOf(sku);
		expect((await take(content)).counts).toEqual({ ...NOTHING, unchanged: 1 });
		expect(await productOf(sku)).toEqual({ ...product, description: "two\nlines", updated_at });
		expect((await take(`sku,price\n${sku},92000\n`)).counts).toEqual({ ...NOTHING, unchanged: 1 });
	});

	test("keeps products out that were taken out of the shop", async () => {
		const { sku, product } = await known();
		await callAction(broker, "v1.products.remove", { id: product.id }, asService());
		expect((await take(`sku,price\n${sku},1\n`)).refused).toEqual([
			[2, expect.stringContaining("taken out of the shop")],
		]);
	});

	test("loses no change that is made at the same moment", async () => {
		const { sku, product } = await known();
		await Promise.all([
			take(`sku,price\n${sku},1000\n`),
			take(`sku,description\n${sku},Segar\n`),
			take(`sku,category\n${sku},minuman\n`),
			callAction(broker, "v1.products.update", { id: product.id, name: "Teh" }, asService()),
		]);
		expect(await productOf(sku)).toMatchObject({
			name: "Teh",
			description: "Segar",
			price: 1000,
			category: "minuman",
		});
		const { items: found } = await callAction(broker, "v1.products.list", {
			q: "teh segar minuman",
			max_price: 1000,
		});
		expect(found.map(({ id }) => id)).toContain(product.id);
	});

	test("with columns that are not known changes nothing, unless they are to be left out", async () => {
		const { sku, product } = await known();
		const content = `sku,prices,description\n${sku},1,\n${sku},2,\n`;
		const { counts } = await take(content);
		expect(counts).toEqual({ ...NOTHING, not_read: 2, stopped: expect.stringContaining("prices (price?)") });
		expect(await productOf(sku)).toEqual(product);
		expect((await take(content, { ignoreUnknown: true })).counts).toEqual({
			...NOTHING,
			updated: 1,
			refused: 1,
		});
	});

	test("reads numbers as the file writes them", async () => {
		const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
		const header = "sku;name;price;stock;category\n";
		const { counts, notes } = await take(
			`${header}${one};Kopi;150.000;1.000;kopi\n${two};Teh;92000,00;12;teh\n`,
		);
		expect(counts).toEqual({ ...NOTHING, created: 2 });
		expect(notes).toHaveLength(2);
		expect(await productOf(one)).toMatchObject({ price: 150_000, stock: 1000 });
		expect(await productOf(two)).toMatchObject({ price: 92_000, stock: 12 });
		const mixed = `${header}${one};Kopi;160.000;1;kopi\n${three};Teh;93000.00;12;teh\n`;
		const { refused } = await take(mixed);
		expect(refused).toEqual([[2, expect.stringContaining("price: 160.000 can mean 160000 or 160")]]);
		expect(await productOf(three)).toMatchObject({ price: 93_000 });
		await take(mixed, { numbers: "id" });
		expect(await productOf(one)).toMatchObject({ price: 160_000 });
		expect((await take(`${header}${one};Kopi;12.5;1;kopi\n`)).refused[0]?.[1]).toContain("whole number");
	});

	test("keeps letters apart that a wrong encoding makes one", async () => {
		const begin = randomUUID();
		const content = `sku,name,price,stock,category\n${begin}é,a,1,1,a\n${begin}è,b,1,1,a\n`;
		const bytes = Buffer.from(content, "latin1");
		await expect(take(bytes)).rejects.toThrow("line 2 is not UTF-8");
		expect((await take(bytes, { encoding: "windows-1252" })).counts.created).toBe(2);
		expect(await productOf(`${begin}è`)).toMatchObject({ name: "b" });
	});

	test("loses one record of 1,200 to a bad quote, and counts every line", async () => {
		const begin = randomUUID();
		const line = (number: number) => `${begin}-${number},Layar,1000,5,bq\n`;
		const lines = Array.from({ length: 1200 }, (_, number) => line(number));
		lines[600] = `${begin}-600,"Layar 15" lebar",1000,5,bq\r\n`;
		const { counts, refused } = await take(`sku,name,price,stock,category\n${lines.join("")}`);
		expect(counts).toEqual({ ...NOTHING, created: 1199, refused: 1 });
		expect(refused).toEqual([[602, expect.stringContaining("closing quote")]]);
		lines[600] = `${begin}-600,"Layar 15\nlebar,1000,5,bq\n`;
		const open = await take(`sku,name,price,stock,category\n${lines.join("")}`);
		expect(open.counts).toEqual({ ...NOTHING, unchanged: 600, refused: 1, not_read: 600 });
		expect(open.refused).toEqual([[602, expect.stringContaining("opens in line 602")]]);
	});
});

test("an import that products stops counts what it has not read", async () => {
	chooseStore(undefined);
	const folder = mkdtempSync(join(tmpdir(), "toko-import-"));
	const broker = await startNode("products");
	const path = join(folder, "file.csv");
	const lines = Array.from({ length: 1100 }, (_, row) => `${randomUUID()},Kopi ${row},1000,5,kopi\n`);
	writeFileSync(path, `sku,name,price,stock,category\nno,product\n${lines.join("")}`);
	const catalogue = await Catalogue.open(path);
	const counts = await importCatalogue(broker, catalogue, () => writeFileSync(path, "sku\n"));
	expect(counts).toEqual({
		...NOTHING,
		refused: 1,
		not_read: 1100,
		stopped: expect.stringContaining("was changed while it was read"),
	});
	await catalogue.close();
	await broker.stop();
	rmSync(folder, { recursive: true });
});
