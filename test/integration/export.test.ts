import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { exportOrders } from "../../tools/export/orders.ts";
import type { ExportFormat, Part, Period } from "../../tools/export/period.ts";
import { openProducts } from "../../tools/export/product-source.ts";
import { exportProducts } from "../../tools/export/products.ts";
import { setVariables } from "../variables.ts";
import { Imports, NOTHING } from "./imported.ts";
import { newUser, SERVICES, startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

const { directory } = settings;
const folder = mkdtempSync(join(tmpdir(), "toko-export-"));

afterAll(() => rmSync(folder, { recursive: true }));

async function textOf(parts: AsyncIterable<Part>): Promise<string> {
	let text = "";
	for await (const part of parts) {
		text += part.text;
	}
	return text;
}

async function productsAs(format: ExportFormat): Promise<string> {
	const source = await openProducts();
	return textOf(exportProducts(source, format, {})).finally(source.close);
}

/** Lists all products, without what each shop has of its own, by name, and the names of their groups. */
async function contentsOf(broker: ServiceBroker) {
	const { items } = await callAction(broker, "v1.products.list", { limit: 100, sort: "created_at" });
	return Promise.all(
		items.map(async ({ id, group_id, created_at, updated_at, ...product }) => {
			const group = group_id && (await callAction(broker, "v1.products.getGroup", { id: group_id }));
			const { variants, id: _, ...details } = group || { variants: [], id: "" };
			return {
				...product,
				group: details,
				variants: variants.map(({ name, options }) => ({ name, options })),
			};
		}),
	);
}

describe.each(stores)("products exported from %s", (_, url) => {
	/** Runs a shop of its own, which is empty at first. */
	async function inShop<T>(number: number, work: (broker: ServiceBroker) => Promise<T>): Promise<T> {
		chooseStore(url);
		setVariables({
			TOKO_DIR: join(folder, `${url ? "server" : "file"}-${number}`),
			TOKO_NAMESPACE: `${settings.namespace}_${number}`,
		});
		const broker = await startNode("products");
		try {
			return await work(broker);
		} finally {
			await broker.stop();
			setVariables({ TOKO_DIR: directory, MONGO_URL: undefined });
		}
	}

	test("make the same products and groups in an empty shop, and change nothing the second time", async () => {
		const original = await inShop(1, async (broker) => {
			const group = { name: "Kaos Toko", description: 'Katun,\n"halus"', category: "kaos" };
			const { id } = await callAction(
				broker,
				"v1.products.createGroup",
				{ ...group, options: ["Ukuran", "warna"] },
				asService(),
			);
			const create = (fields: object) =>
				callAction(
					broker,
					"v1.products.create",
					{ name: "=Kopi", description: "", price: 92_000, stock: 4, category: "kopi", ...fields },
					asService(),
				);
			for (const size of ["S", "-M", "+L"]) {
				await create({ name: "Kaos", group_id: id, options: { Ukuran: size, warna: "Merah" } });
			}
			await create({
				...{ weight_g: 250, requires_shipping: false, compare_at_price: 100_000, options: { warna: "@" } },
				image_urls: ["https://toko.test/a.jpg", "https://toko.test/b,c.jpg"],
			});
			const removed = await create({ name: "Teh" });
			await callAction(broker, "v1.products.remove", { id: removed.id }, asService());
			const exports = { csv: await productsAs("csv"), ndjson: await productsAs("ndjson") };
			const imports = new Imports(broker);
			for (const format of ["csv", "ndjson"] as const) {
				const { counts } = await imports.take(exports[format], {}, format);
				expect(counts).toEqual({ ...NOTHING, unchanged: 4 });
			}
			imports.remove();
			return { exports, contents: await contentsOf(broker) };
		});
		expect(original.exports.csv).toMatch(/,'=Kopi,.*\r\n$/);
		expect(original.contents).toHaveLength(4);
		for (const [number, format] of [
			[2, "csv"],
			[3, "ndjson"],
		] as const) {
			await inShop(number, async (broker) => {
				const imports = new Imports(broker);
				const content = original.exports[format];
				expect((await imports.take(content, {}, format)).counts).toEqual({
					...{ ...NOTHING, created: 4, groups_created: 1 },
				});
				expect(await contentsOf(broker)).toEqual(original.contents);
				expect((await imports.take(content, {}, format)).counts).toEqual({ ...NOTHING, unchanged: 4 });
				expect(await productsAs(format)).toBe(content);
				imports.remove();
			});
		}
	});
});

test("orders are exported with a line for each item, or as the API has them", async () => {
	chooseStore(undefined);
	const broker = await startNode(...SERVICES);
	const sources = await openSources();
	const orders = (format: ExportFormat, period: Period) =>
		textOf(exportOrders((work) => sources.snapshot("orders", work), format, period));
	const buyer = await newUser(broker);
	const sku = randomUUID();
	const product = { name: "Kopi", description: "", price: 15_000, stock: 9, category: "kopi" };
	const products = await Promise.all(
		["=Kopi", "Teh"].map((name) =>
			callAction(broker, "v1.products.create", { ...product, name, options: { sku } }, asService()),
		),
	);
	const place = (...items: { product_id: string; quantity: number }[]) =>
		buyer.call("v1.orders.place", { items, shipping_address: "Jalan Melati 1,\nBandung", note: "+62" });
	const [first, second] = [
		await place(...products.map(({ id }) => ({ product_id: id, quantity: 2 }))),
		await place({ product_id: products[1]?.id as string, quantity: 1 }),
	];

	const ndjson = await orders("ndjson", {});
	expect(
		ndjson
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line)),
	).toEqual([first, second]);
	const csv = await orders("csv", {});
	const cells = `'+62,1,${products[0]?.id},'=Kopi,"{""sku"":""${sku}""}",15000,2,30000,0,0,30000\r\n`;
	expect(csv).toContain(`${first.number},${first.id},${buyer.id},pending,`);
	expect(csv).toContain(`"Jalan Melati 1,\nBandung",${cells}`);
	expect(csv.match(/^TK-/gm)).toHaveLength(3);
	expect(csv.split("\r\n")[0]?.split(",")).toHaveLength(38);

	const numbers = async (period: Period) => (await orders("csv", period)).match(/^TK-\d+/gm) ?? [];
	expect(await numbers({ from: second.created_at })).not.toContain(first.number);
	expect(await numbers({ to: new Date(Date.parse(second.created_at) + 1).toISOString() })).toHaveLength(3);
	expect(await numbers({ to: first.created_at })).toEqual([]);
	await expect(sources.snapshot("orders", (query) => query("DELETE FROM orders"))).rejects.toThrow(
		"read-only transaction",
	);
	await sources.close();
	await broker.stop();
});
