import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { type Cells, csv, NEW } from "./exported.ts";
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

const OLD = [
	"Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value",
	"Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy",
	"Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode",
	"Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,Variant Image,Variant Weight Unit,Cost per item,Status",
].flatMap((line) => line.split(","));

/** Columns of an export until 2024 by those of today. */
const OLDER: Cells = {
	"URL handle": "Handle",
	Description: "Body (HTML)",
	"Product category": "Product Category",
	"Published on online store": "Published",
	SKU: "Variant SKU",
	"Option1 name": "Option1 Name",
	"Option1 value": "Option1 Value",
	"Option2 name": "Option2 Name",
	"Option2 value": "Option2 Value",
	Price: "Variant Price",
	"Compare-at price": "Variant Compare At Price",
	"Inventory tracker": "Variant Inventory Tracker",
	"Inventory quantity": "Variant Inventory Qty",
	"Continue selling when out of stock": "Variant Inventory Policy",
	"Weight value (grams)": "Variant Grams",
	"Requires shipping": "Variant Requires Shipping",
	"Product image URL": "Image Src",
	"Image position": "Image Position",
	"Variant image URL": "Variant Image",
	"Gift card": "Gift Card",
};

const product = (sku: string) => imports.product(sku);

describe.each([
	["of today", NEW, (row: Cells) => row],
	[
		"until 2024",
		OLD,
		(row: Cells) =>
			Object.fromEntries(Object.entries(row).map(([name, text]) => [OLDER[name] ?? name, text])),
	],
])("an export of Shopify with the columns %s", (_, columns, named) => {
	const from = { from: "shopify" as const };
	const file = (...rows: Cells[]) => csv(columns, ...rows.map(named));

	/** A product without variants. */
	const single = (handle: string, more: Cells = {}): Cells => ({
		...{ Title: "Mug Toko", "URL handle": handle, Type: "Mug", Status: "active", SKU: handle },
		...{ "Published on online store": "TRUE", "Option1 name": "Title", "Option1 value": "Default Title" },
		...{ Price: "92000.00", "Inventory tracker": "shopify", "Inventory quantity": "5" },
		...more,
	});

	test("gives products with all that Toko has of them", async () => {
		const handle = randomUUID();
		const content = file(
			single(handle, {
				Description: "<h2>Mug</h2><p>Keramik &amp; <b>kuat</b></p><script>x</script>",
				...{ "Compare-at price": "120000", "Weight value (grams)": "350.0", "Requires shipping": "FALSE" },
				...{ "Product image URL": "https://toko.test/2.jpg", "Image position": "2", Vendor: "Toko" },
			}),
			{ "URL handle": handle, "Product image URL": "https://toko.test/1.jpg", "Image position": "1" },
		);
		const { counts, notes, warnings } = await imports.take(content, from);
		expect(counts).toEqual({ ...NOTHING, created: 1 });
		expect(warnings).toEqual([]);
		expect(notes).toEqual([expect.stringMatching(/^left out the columns .*: vendor$/)]);
		expect(await product(handle)).toMatchObject({
			...{ name: "Mug Toko", description: "Mug\n\nKeramik & kuat", category: "mug", price: 92_000 },
			...{ compare_at_price: 120_000, weight_g: 350, requires_shipping: false, stock: 5 },
			...{
				image_urls: ["https://toko.test/1.jpg", "https://toko.test/2.jpg"],
				group_id: null,
				options: null,
			},
		});
		expect((await imports.take(content, from)).counts).toEqual({ ...NOTHING, unchanged: 1 });
	});

	test("gives variants in a group, with a SKU of their own where they have none", async () => {
		const handle = randomUUID();
		const variant = (size: string, more: Cells = {}): Cells => ({
			...{ "URL handle": handle, "Option1 value": size, "Option2 value": "Merah", Price: "80000" },
			...{ "Inventory tracker": "shopify", "Inventory quantity": "2" },
			...more,
		});
		const content = file(
			{
				...variant("S", { Title: "Kaos", "Product category": "Apparel > Clothing > Shirts" }),
				...{ "Option1 name": "Ukuran", "Option2 name": "Warna", Description: "Katun" },
				...{ "Product image URL": "https://toko.test/a.jpg" },
			},
			variant("M", {
				"Variant image URL": "https://toko.test/m.jpg",
				"Product image URL": "https://toko.test/b.jpg",
			}),
			{ "URL handle": handle, "Product image URL": "https://toko.test/c.jpg" },
			variant("m"),
		);
		const { counts, refused } = await imports.take(content, from);
		expect(counts).toEqual({ ...NOTHING, created: 2, refused: 1, groups_created: 1 });
		expect(refused).toEqual([[5, expect.stringMatching(/^sku: shopify:.* stands in an earlier line/)]]);
		const [small, medium] = await Promise.all(
			["s", "m"].map((size) => product(`shopify:${handle}/${size}/merah`)),
		);
		expect(small).toMatchObject({
			name: "Kaos",
			options: { Ukuran: "S", Warna: "Merah" },
			category: "shirts",
		});
		expect(medium?.image_urls).toEqual(["m", "a", "b", "c"].map((name) => `https://toko.test/${name}.jpg`));
		const group = await callAction(broker, "v1.products.getGroup", { id: small?.group_id as string });
		expect(group).toMatchObject({ name: "Kaos", description: "Katun", options: ["Ukuran", "Warna"] });
		expect(group.variants).toHaveLength(2);
	});

	test("is read without drafts, archived products and gift cards, and says so", async () => {
		const { counts, left_out } = await imports.take(
			file(
				single(randomUUID(), { Status: "draft" }),
				single(randomUUID(), { Status: "archived" }),
				single(randomUUID(), { "Published on online store": "FALSE" }),
				single(randomUUID(), { "Gift card": "TRUE" }),
			),
			from,
		);
		expect(counts).toEqual({ ...NOTHING, left_out: 4 });
		expect(left_out.map(([line, why]) => [line, why.split(",")[0]])).toEqual([
			[2, "its status is draft"],
			[3, "its status is archived"],
			[4, "it is not published"],
			[5, "it is a gift card"],
		]);
	});

	test("says of each line what its product loses", async () => {
		const [many, low, endless, plain] = Array.from({ length: 4 }, () => randomUUID()) as [
			string,
			string,
			string,
			string,
		];
		const images = Array.from({ length: 11 }, (_, image) => ({
			...{ "URL handle": many, "Product image URL": `https://toko.test/${image}.jpg` },
		}));
		const { counts, warnings } = await imports.take(
			file(
				{ ...single(many), ...images[0] },
				...images.slice(1),
				single(low, { "Inventory quantity": "-3" }),
				single(endless, { "Inventory tracker": "", Description: "x".repeat(5001) }),
				single(plain, {
					Type: "",
					"Continue selling when out of stock": columns === NEW ? "TRUE" : "continue",
				}),
			),
			from,
		);
		expect(counts).toEqual({ ...NOTHING, created: 4, warnings: 6 });
		expect(warnings.map(([line, text]) => [line, text.replace(/^[^:]*: /, "")])).toEqual([
			[2, "has 11 pictures, of which the first 10 are taken"],
			[13, "-3 is below zero, and becomes 0"],
			[14, "has 5001 characters, of which the first 5000 are taken"],
			[14, "the units are not counted there, and the stock becomes 0: set it afterwards"],
			[15, "is empty, and becomes uncategorized"],
			[15, "Toko does not sell more than is in stock"],
		]);
		expect(await product(low)).toMatchObject({ stock: 0 });
		expect((await product(many)).image_urls).toHaveLength(10);
	});

	test("has numbers with a decimal point and no separators of thousands", async () => {
		const { refused } = await imports.take(
			file(
				single(randomUUID(), { Price: "33.333" }),
				single(randomUUID(), { Price: "33,333" }),
				single(randomUUID(), { Price: "1,234.00" }),
				single(randomUUID(), { Price: "" }),
				single(randomUUID(), { "Inventory quantity": "many" }),
			),
			from,
		);
		const column = columns === NEW ? "price" : "variant price";
		expect(refused).toEqual([
			[2, `${column}: must be a whole number: IDR has no decimals`],
			[3, expect.stringMatching(`^${column}: "33,333" is not a number .* without separators of thousands$`)],
			[4, expect.stringMatching(`^${column}: "1,234.00" is not a number `)],
			[5, `${column}: must not be empty`],
			[6, expect.stringMatching(/inventory q\w+: "many" is not a whole number$/)],
		]);
	});
});

test("units at several locations are added up; without units, the stock becomes 0", async () => {
	const [one, other] = [randomUUID(), randomUUID()];
	const row = { Title: "Mug", Type: "mug", Price: "1000" };
	const places = ["Inventory available: Jakarta", "Inventory available: Bandung"] as const;
	const added = await imports.take(
		csv(["URL handle", "Title", "Type", "SKU", "Price", ...places], {
			...{ ...row, "URL handle": one, SKU: one, [places[0]]: "3", [places[1]]: "4" },
		}),
		{ from: "shopify" },
	);
	expect(added.notes).toEqual([
		"added up the units of the locations: inventory available: jakarta, inventory available: bandung",
	]);
	expect(await product(one)).toMatchObject({ stock: 7 });
	const none = await imports.take(
		csv(["URL handle", "Title", "Type", "SKU", "Price"], { ...row, "URL handle": other, SKU: other }),
		{ from: "shopify" },
	);
	expect(none.notes).toEqual([expect.stringMatching(/^the file has no units/)]);
	expect(await product(other)).toMatchObject({ stock: 0 });
});
