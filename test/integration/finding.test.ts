import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction, type ParamsOf, type ResultOf } from "../../contracts/actions.ts";
import { products } from "../../contracts/products.ts";
import { cursorAt } from "../../database/page-cursor.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { type Listing, readPage } from "../../services/products/listing.ts";
import { MongoListing } from "../../services/products/mongo-listing.ts";
import { convertProducts, wordsOf } from "../../services/products/search.ts";
import { SeededRandom } from "../../tools/seeded-random.ts";
import { setVariables } from "../variables.ts";
import { startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

type Params = ParamsOf<"v1.products.list">;
type Product = ResultOf<"v1.products.get">;

const NAMES = ["Kopi", "Teh", "Gula", "Susu", "Crème", "Robusta", "Gayo", "Bubuk", "Asli", "500"];
const CATEGORIES = ["minuman", "dapur", "hadiah"];

describe.each(stores)("finding products on %s", (_, url) => {
	let broker: ServiceBroker;
	const chance = new SeededRandom(7);
	/** Products of the shop as seen by a client. */
	const known = new Map<string, Product>();

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		setVariables({ MONGO_URL: undefined });
		const lines = Array.from({ length: 400 }, (_, number) => ({
			line: number + 1,
			sku: randomUUID(),
			...some(),
		}));
		await callAction(broker, "v1.products.import", { file: "0".repeat(64), lines }, asService());
		for (const product of await all({})) {
			known.set(product.id, product);
		}
		expect(known.size).toBe(400);
	});

	afterAll(() => broker.stop());

	const some = () => ({
		name: chance.shuffle(NAMES).slice(0, chance.between(1, 4)).join(" "),
		description: chance.pick(["", "Dari kebun sendiri", "Tanpa gula"]),
		price: chance.between(1, 20) * 1000,
		stock: chance.between(0, 3),
		category: chance.pick(CATEGORIES),
	});

	const page = (params: Params) => callAction(broker, "v1.products.list", params);

	/** Reads all pages by their cursors. */
	async function all(params: Params, between = async () => {}): Promise<Product[]> {
		const found: Product[] = [];
		let cursor: string | null = null;
		do {
			const { items, next }: ResultOf<"v1.products.list"> = await page({
				...params,
				...(cursor ? { cursor } : {}),
			});
			found.push(...items);
			cursor = next;
			await between();
		} while (cursor);
		return found;
	}

	/** Computes the same result by filtering all products. */
	function expected({
		q,
		category,
		min_price = 0,
		max_price = Infinity,
		in_stock,
		sort = "created_at",
	}: Params) {
		const words = q === undefined ? [] : wordsOf(q);
		const key = sort.replace("-", "") as "created_at" | "price" | "name";
		const orders = {
			created_at: () => 0,
			price: (one: Product, other: Product) => one.price - other.price,
			name: (one: Product, other: Product) => {
				const [left, right] = [one, other].map(({ name }) => wordsOf(name).join(" "));
				return (left as string) < (right as string) ? -1 : Number(left !== right);
			},
		};
		const byId = (one: Product, other: Product) => (one.id < other.id ? -1 : 1);
		const found = [...known.values()]
			.filter(
				(product) =>
					(category === undefined || product.category === category) &&
					product.price >= min_price &&
					product.price <= max_price &&
					(in_stock === undefined || product.stock > 0 === in_stock) &&
					words.every((word) =>
						wordsOf(`${product.name} ${product.category} ${product.description}`).includes(word),
					),
			)
			.sort((one, other) => orders[key](one, other) || byId(one, other));
		return sort.startsWith("-") ? found.reverse() : found;
	}

	const ids = (products: Product[]) => products.map(({ id }) => id);

	function someQuestion(): Params {
		const min = chance.between(1, 20) * 1000;
		return {
			limit: chance.between(1, 100),
			sort: chance.pick(["created_at", "-created_at", "price", "-price", "name", "-name"]),
			...(chance.happens(0.3) ? { category: chance.pick([...CATEGORIES, "none"]) } : {}),
			...(chance.happens(0.4)
				? {
						q: chance
							.shuffle([...NAMES, "creme", "kebun"])
							.slice(0, 2)
							.join(" "),
					}
				: {}),
			...(chance.happens(0.4) ? { min_price: min } : {}),
			...(chance.happens(0.4) ? { max_price: min + chance.between(0, 10) * 1000 } : {}),
			...(chance.happens(0.4) ? { in_stock: chance.happens(0.5) } : {}),
		};
	}

	test("answers any question as looking at every product would, page by page", async () => {
		for (let question = 0; question < (url ? 20 : 60); question++) {
			const params = someQuestion();
			expect({ params, ids: ids(await all(params)) }).toEqual({ params, ids: ids(expected(params)) });
			const skip = chance.between(0, 30);
			const { items } = await page({ ...params, skip });
			expect({ params, skip, ids: ids(items) }).toEqual({
				...{ params, skip },
				ids: ids(expected(params)).slice(skip, skip + (params.limit as number)),
			});
		}
	});

	if (url) {
		test("answers the same by the queries that a MongoDB is asked", async () => {
			const service = broker.getLocalService("v1.products") as unknown as {
				collection: ConstructorParameters<typeof MongoListing>[0];
				listing: Listing;
			};
			const native = new MongoListing(service.collection);
			await native.start();
			for (let question = 0; question < 20; question++) {
				const params = products.actions.list.params.parse({ ...someQuestion(), skip: chance.between(0, 10) });
				const first = readPage(params);
				const last = (await service.listing.page(first)).at(-1);
				const next = last ? { ...first, after: last[first.key] } : first;
				for (const asked of [first, next]) {
					const [one, other] = [await native.page(asked), await service.listing.page(asked)];
					expect({ asked, ids: one.map(({ _id }) => _id) }).toEqual({
						asked,
						ids: other.map(({ _id }) => _id),
					});
				}
			}
			expect(await native.categories()).toEqual(await service.listing.categories());
		});
	}

	test("shows each product that stays once, while others come, go and change", async () => {
		const before = expected({ sort: "price" });
		const touched = new Set<string>();
		const change = async () => {
			const [one, two] = chance.shuffle([...known.keys()].filter((id) => !touched.has(id))) as [
				string,
				string,
			];
			touched.add(one);
			touched.add(two);
			await callAction(
				broker,
				"v1.products.update",
				{ id: one, price: chance.between(1, 20) * 1000 },
				asService(),
			);
			await callAction(broker, "v1.products.remove", { id: two }, asService());
			await callAction(broker, "v1.products.create", some(), asService());
		};
		const seen = ids(await all({ sort: "price", limit: 25 }, change));
		expect(seen.filter((id) => known.has(id) && !touched.has(id))).toEqual(
			ids(before).filter((id) => !touched.has(id)),
		);
		known.clear();
		for (const product of await all({})) {
			known.set(product.id, product);
		}
		expect(ids(await all({ sort: "name", q: "kopi" }))).toEqual(ids(expected({ sort: "name", q: "kopi" })));
	});

	test("finds a product by its new words and no more by its old ones", async () => {
		const { id } = await callAction(
			broker,
			"v1.products.create",
			{ ...some(), name: "Wajik Ketan" },
			asService(),
		);
		expect(ids(await all({ q: "ketan WAJIK" }))).toEqual([id]);
		await Promise.all([
			callAction(broker, "v1.products.update", { id, name: "Wajik Durian" }, asService()),
			callAction(broker, "v1.products.update", { id, category: "jajanan" }, asService()),
		]);
		expect(ids(await all({ q: "ketan" }))).toEqual([]);
		expect(ids(await all({ q: "durian jajanan" }))).toEqual([id]);
		expect(await callAction(broker, "v1.products.categories", {})).toContain("jajanan");
		await callAction(broker, "v1.products.remove", { id }, asService());
		expect(ids(await all({ q: "durian" }))).toEqual([]);
		expect(await callAction(broker, "v1.products.categories", {})).not.toContain("jajanan");
	});

	test("finds a product by each word of the longest description that it may have", async () => {
		const words = [...new Set(Array.from({ length: 600 }, (_, number) => `kata${number.toString(36)}`))];
		const description = words.join(" ").padEnd(4990, " x").slice(0, 4990);
		const { id } = await callAction(
			broker,
			"v1.products.create",
			{ ...some(), name: "Kamus", description: `${description} terakhir` },
			asService(),
		);
		for (const q of [words[0], words[41], words[400], words.at(-1), "kamus TERAKHIR"] as string[]) {
			expect({ q, ids: ids(await all({ q })) }).toEqual({ q, ids: [id] });
		}
		await callAction(broker, "v1.products.update", { id, description: "kata1" }, asService());
		expect(ids(await all({ q: "terakhir" }))).toEqual([]);
		expect(ids(await all({ q: "kamus kata1" }))).toEqual([id]);
		await callAction(broker, "v1.products.remove", { id }, asService());
	});

	test.each(["!!!", "☕", "-", "' \"", "…", "´"])("finds nothing by %j, which has no word", async (q) => {
		expect(await page({ q })).toEqual({ items: [], next: null });
		expect(ids(await all({ q, category: "dapur", sort: "-price" }))).toEqual([]);
	});

	test("goes on behind the longest names in any writing", async () => {
		const category = "nama";
		const names = [
			"한".repeat(200),
			"漢".repeat(200),
			"ﷺ".repeat(200),
			"ﷺ ".repeat(100),
			"𝔸".repeat(100),
			"a b".repeat(66),
		];
		for (const name of names) {
			for (const more of [1, 2]) {
				const given = { ...some(), name, category, price: more };
				await callAction(broker, "v1.products.create", given, asService());
			}
		}
		for (const sort of ["name", "-name"] as const) {
			const found = await all({ category, sort, limit: 1 });
			expect(new Set(ids(found)).size).toBe(2 * names.length);
			expect(found).toHaveLength(2 * names.length);
		}
		for (const { id } of await all({ category })) {
			await callAction(broker, "v1.products.remove", { id }, asService());
		}
	});

	test("finds what an earlier version has described, once this one starts", async () => {
		const { id } = await callAction(
			broker,
			"v1.products.create",
			{ ...some(), name: "Lama", description: "dahulu" },
			asService(),
		);
		const { adapter } = broker.getLocalService("v1.products") as unknown as DocumentService<ProductDocument>;
		const earlier = { words: ["lama"], name_key: `${"lama".repeat(1000)} ${id}` };
		await adapter.updateMany({ _id: id }, { $set: earlier, $unset: { described_as: true } });
		await convertProducts(adapter, () => undefined);
		const [document] = await adapter.find({ query: { _id: id } });
		expect(document).toMatchObject({
			words: expect.arrayContaining(["lama", "dahulu"]),
			name_key: `lama ${id}`,
		});
		await callAction(broker, "v1.products.remove", { id }, asService());
	});

	test("gives skus and categories of an earlier version the form in which they are compared, and tells of two that look equal", async () => {
		const { adapter } = broker.getLocalService("v1.products") as unknown as DocumentService<ProductDocument>;
		const skus = [randomUUID(), randomUUID()].map((part) => `e\u0301 ${part}`) as [string, string];
		const made = [] as string[];
		for (const [number, sku] of [skus[0], skus[1], `\u00e9 ${skus[1].slice(3)}`].entries()) {
			const { id } = await callAction(
				broker,
				"v1.products.create",
				{ ...some(), name: `Lama ${number}` },
				asService(),
			);
			const earlier = { sku, category: "Kafe\u0301\u00a0lama\u200b".toLowerCase(), described_as: 2 };
			await adapter.updateMany({ _id: id }, { $set: earlier });
			made.push(id);
		}
		const told: string[] = [];
		await convertProducts(adapter, (line) => told.push(line));
		const stored = async () =>
			(await adapter.find({ query: { _id: { $in: made } }, sort: ["_id"] })).map(({ sku }) => sku);
		expect(await stored()).toEqual([skus[0].normalize("NFC"), skus[1], skus[1].normalize("NFC")]);
		expect(told).toEqual([expect.stringContaining(`product ${made[1]} keeps its sku`)]);
		await (broker.getLocalService("v1.products") as unknown as { listing: Listing }).listing.changed(made);
		expect(ids(await all({ category: "Kafé lama" }))).toEqual(made);
		await convertProducts(adapter, (line) => told.push(line));
		expect(told).toHaveLength(1);
		for (const id of made) {
			await callAction(broker, "v1.products.remove", { id }, asService());
		}
	});

	test("finds a category under each way to write it that looks equal, and no other", async () => {
		const { id } = await callAction(
			broker,
			"v1.products.create",
			{ ...some(), category: "\u200bCafe\u0301\u00a0 Kita\u3000" },
			asService(),
		);
		for (const category of ["caf\u00e9 kita", "CAFE\u0301 KITA", " ca\u00adfé\u2009kita\ufeff"]) {
			expect({ category, ids: ids(await all({ category })) }).toEqual({ category, ids: [id] });
		}
		expect(await all({ category: "cafe kita" })).toEqual([]);
		expect(await callAction(broker, "v1.products.categories", {})).toContain("caf\u00e9 kita");
		await callAction(broker, "v1.products.remove", { id }, asService());
	});

	test("finds letters that have no decomposition by what is typed for them, and the other way round", async () => {
		const made: Record<string, string> = {};
		for (const name of ["Łódź", "Øresund", "Fußball", "Ærø", "Đồng hồ", "Þing", "Isparta Iğdır"]) {
			const { id } = await callAction(
				broker,
				"v1.products.create",
				{ ...some(), name, category: "lain" },
				asService(),
			);
			made[name] = id;
		}
		for (const [q, name] of [
			["lodz", "Łódź"],
			["ŁÓDŹ", "Łódź"],
			["oresund", "Øresund"],
			["Øresund", "Øresund"],
			["fussball", "Fußball"],
			["FUẞBALL", "Fußball"],
			["aero", "Ærø"],
			["ærø", "Ærø"],
			["dong ho", "Đồng hồ"],
			["thing", "Þing"],
			["ısparta igdir", "Isparta Iğdır"],
		] as const) {
			expect({ q, ids: ids(await all({ q })) }).toEqual({ q, ids: [made[name]] });
		}
		const names = (await all({ category: "lain", sort: "name" })).map(({ name }) => name);
		expect(names).toEqual(["Ærø", "Đồng hồ", "Fußball", "Isparta Iğdır", "Łódź", "Øresund", "Þing"]);
		for (const id of Object.values(made)) {
			await callAction(broker, "v1.products.remove", { id }, asService());
		}
	});

	test.each([
		[
			"a cursor by name of a version that ordered names in another way",
			async () => {
				const told = JSON.stringify([undefined, undefined, undefined, undefined, undefined, "name"]);
				const list = createHash("sha256").update(told).digest("base64url").slice(0, 8);
				return { sort: "name" as const, cursor: cursorAt(list, "kopi x") };
			},
			"cursor",
		],
		[
			"a cursor of another list",
			async () => ({ q: "teh", cursor: (await page({ limit: 1 })).next as string }),
			"cursor",
		],
		["a cursor that is none", async () => ({ cursor: "abc" }), "cursor"],
		["prices the wrong way round", async () => ({ min_price: 2000, max_price: 1000 }), "max_price"],
		["an order that there is not", async () => ({ sort: "stock" as "price" }), "sort"],
	])("refuses %s", async (_, params, path) => {
		await expect(page(await params())).rejects.toMatchObject({
			type: "VALIDATION_FAILED",
			data: { errors: [expect.objectContaining({ path })] },
		});
	});
});
