import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { type Cells, csv, NEW, WOO } from "./exported.ts";
import { Imports, NOTHING } from "./imported.ts";
import { startNode } from "./shop.ts";
import { chooseStore } from "./stores.ts";

let broker: ServiceBroker;
let imports: Imports;

beforeAll(async () => {
	chooseStore(undefined);
	broker = await startNode("products");
	imports = new Imports(broker);
});

afterAll(async () => {
	await broker.stop();
	imports.remove();
});

const product = (sku: string) => imports.product(sku);

describe("an export of WooCommerce", () => {
	const from = { from: "woocommerce" as const };
	const simple = (sku: string, more: Cells = {}): Cells => ({
		...{ ID: "1", Type: "simple", SKU: sku, Name: "Mug", Published: "1", "In stock?": "1", Stock: "5" },
		...{ "Regular price": "120000", Categories: "Dapur", "Backorders allowed?": "0" },
		...more,
	});

	test("gives products with all that Toko has of them", async () => {
		const sku = randomUUID();
		const content = csv(
			WOO,
			simple(sku, {
				...{ "Short description": "Keramik", Description: "<p>Kuat</p>\\n<p>C:\\\\nama</p>" },
				...{ "Sale price": "92000", "Weight (kg)": "0,35", Categories: "Rumah > Dapur, Hadiah" },
				...{ Images: "https://toko.test/a,b.jpg, https://toko.test/c.jpg", Type: "simple, virtual" },
				...{ "Attribute 1 name": "Merek", "Attribute 1 value(s)": "Toko", "Is featured?": "0" },
			}),
		);
		const { counts, warnings, notes } = await imports.take(content, from);
		expect(counts).toEqual({ ...NOTHING, created: 1, warnings: 2 });
		expect(warnings).toEqual([
			[2, "attribute Merek: is left out"],
			[2, "categories: a product of Toko has one, Dapur; left out Hadiah"],
		]);
		expect(notes).toEqual([expect.stringMatching(/^left out the columns .*: is featured\?$/)]);
		expect(await product(sku)).toMatchObject({
			...{ description: "Keramik\n\nKuat\n\nC:\\nama", price: 92_000, compare_at_price: 120_000 },
			...{ category: "dapur", weight_g: 350, requires_shipping: false, stock: 5 },
			image_urls: ["https://toko.test/a,b.jpg", "https://toko.test/c.jpg"],
		});
		expect((await imports.take(content, from)).counts).toEqual({ ...NOTHING, unchanged: 1, warnings: 2 });
	});

	test("keeps the cells of tables apart, and says that pictures of a description are left out", async () => {
		const sku = randomUUID();
		const Description =
			"<table><tr><th>Ukuran</th><th>Dada</th></tr><tr><td>M</td><td>100</td></tr></table><img src='https://toko.test/x.png'>";
		const { warnings } = await imports.take(csv(WOO, simple(sku, { Description })), from);
		expect(warnings).toEqual([[2, "description: is taken as text; its pictures and videos are left out"]]);
		expect((await product(sku))?.description).toMatch(/^Ukuran +Dada\nM +100$/);
	});

	test("gives variations in a group, wherever their product is in the file", async () => {
		const [parent, small, id] = [randomUUID(), randomUUID(), randomUUID()];
		const size = (value: string, more: Cells): Cells => ({
			...{ Type: "variation", Name: `Kaos - ${value}`, Published: "1", "In stock?": "1", Stock: "2" },
			...{ "Regular price": "80000", "Attribute 1 name": "Ukuran", "Attribute 1 value(s)": value, ...more },
		});
		const content = csv(
			WOO,
			size("S", { SKU: small, Parent: `id:${id}` }),
			{
				...{ ID: id, Type: "variable", SKU: parent, Name: "Kaos", Published: "1", Categories: "Kaos" },
				...{ Description: "Katun", "Weight (kg)": "0.2", Images: "https://toko.test/a.jpg" },
				...{ "Attribute 1 name": "Ukuran", "Attribute 1 value(s)": "S, M, L" },
				...{ "Attribute 2 name": "Bahan", "Attribute 2 value(s)": "Katun" },
			},
			size("M", { ID: `${id}1`, Parent: parent, Images: "https://toko.test/m.jpg", "Weight (kg)": "0.25" }),
			size("", { ID: `${id}2`, Parent: parent }),
			size("L", { ID: `${id}3`, Parent: "id:none" }),
		);
		const { counts, refused, warnings } = await imports.take(content, from);
		expect(counts).toEqual({ ...NOTHING, created: 2, refused: 2, groups_created: 1, warnings: 1 });
		expect(refused).toEqual([
			[5, "attribute Ukuran: is empty, which stands for any value: Toko needs a variation for each"],
			[6, "parent: id:none is not a variable product of this file"],
		]);
		expect(warnings.map(([, text]) => text)).toEqual(["attribute Bahan: is left out"]);
		expect(await product(small)).toMatchObject({
			...{ name: "Kaos", description: "Katun", options: { Ukuran: "S" }, weight_g: 200, category: "kaos" },
		});
		const medium = await product(`woocommerce:${id}1`);
		expect(medium).toMatchObject({
			...{ options: { Ukuran: "M" }, weight_g: 250 },
			image_urls: ["https://toko.test/m.jpg", "https://toko.test/a.jpg"],
		});
		expect((await imports.take(content, from)).counts).toEqual({
			...{ ...NOTHING, unchanged: 2, refused: 2, warnings: 1 },
		});
	});

	test("says of each line what its product loses, and leaves out what Toko has not", async () => {
		const [low, endless, sale] = [randomUUID(), randomUUID(), randomUUID()];
		const { counts, warnings, left_out } = await imports.take(
			csv(
				WOO,
				simple(low, { Stock: "-2", "Backorders allowed?": "notify" }),
				simple(endless, { Stock: "" }),
				simple(sale, { "Sale price": "100000", "Date sale price ends": "2026-12-31" }),
				simple(randomUUID(), { Type: "grouped" }),
				simple(randomUUID(), { Type: "external" }),
				simple(randomUUID(), { Published: "-1" }),
				simple(randomUUID(), { Stock: "", "In stock?": "0" }),
			),
			from,
		);
		expect(counts).toEqual({ ...NOTHING, created: 4, left_out: 3, warnings: 4 });
		expect(warnings.map(([line, text]) => [line, text.split(":")[0]])).toEqual([
			[2, "backorders allowed?"],
			[2, "stock"],
			[3, "stock"],
			[4, "sale price"],
		]);
		expect(left_out.map(([line]) => line)).toEqual([5, 6, 7]);
		const { planned } = await imports.preview(csv(WOO, simple(low, { Name: "Mug Besar" })), from);
		expect(planned).toEqual([[2, `update ${low}: name Mug → Mug Besar`]]);
	});

	test.each([
		["2020-01-01", "2020-02-01", 120_000],
		["", "2020-02-01 10:00:00", 120_000],
		["2999-01-01", "", 120_000],
		["2020-01-01", "2999-01-01", 92_000],
		["sometime", "", 92_000],
	])("has a sale price only during the sale, from %p to %p", async (starts, ends, price) => {
		const sku = randomUUID();
		const dates = { "Date sale price starts": starts, "Date sale price ends": ends };
		const { counts } = await imports.take(csv(WOO, simple(sku, { "Sale price": "92000", ...dates })), from);
		expect(counts).toEqual({ ...NOTHING, created: 1, warnings: 1 });
		const compare_at_price = price === 120_000 ? null : 120_000;
		expect(await product(sku)).toMatchObject({ price, compare_at_price });
	});

	test("has no separators of thousands, and cells that are no formulas", async () => {
		const sku = randomUUID();
		const { refused } = await imports.take(
			csv(
				WOO,
				simple(sku, { Name: "'=Mug", "Regular price": "92000,00" }),
				simple(randomUUID(), { "Regular price": "33.333" }),
				simple(randomUUID(), { "Regular price": "1.234.000" }),
			),
			from,
		);
		expect(await product(sku)).toMatchObject({ name: "=Mug", price: 92_000 });
		expect(refused).toEqual([
			[3, "regular price: must be a whole number: IDR has no decimals"],
			[4, expect.stringMatching(/^regular price: "1.234.000" is not a number/)],
		]);
	});

	test("gives grams in each unit of weight", async () => {
		for (const [unit, grams] of [
			["kg", 1500],
			["g", 2],
			["lbs", 680],
			["oz", 43],
		] as const) {
			const sku = randomUUID();
			const columns = WOO.map((name) => (name === "Weight (kg)" ? `Weight (${unit})` : name));
			await imports.take(csv(columns, simple(sku, { [`Weight (${unit})`]: "1.5" })), from);
			expect(await product(sku)).toMatchObject({ weight_g: grams });
		}
	});
});

test("a file of another shop than told, or without being told, is refused with what to do", async () => {
	const shopify = csv(NEW, { Title: "Mug", "URL handle": "mug", Price: "1" });
	const woo = csv(WOO, { ID: "1", Type: "simple", Name: "Mug" });
	expect((await imports.take(shopify)).refusal).toMatch(/--from shopify; nothing was imported$/);
	expect((await imports.take(woo)).refusal).toMatch(/--from woocommerce; nothing was imported$/);
	expect((await imports.take(shopify, { from: "woocommerce" })).refusal).toMatch(/not that of WooCommerce's/);
	expect((await imports.take(woo, { from: "shopify" })).refusal).toMatch(/not that of Shopify's/);
});
