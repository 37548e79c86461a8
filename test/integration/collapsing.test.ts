import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction, type ParamsOf, type ResultOf } from "../../contracts/actions.ts";
import { products } from "../../contracts/products.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { SCANNED_MAX } from "../../services/products/collapsing.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { type Collapsed, type Listing, readPage } from "../../services/products/listing.ts";
import { newDocument } from "../../services/products/model.ts";
import { MongoListing } from "../../services/products/mongo-listing.ts";
import { wordsOf } from "../../services/products/search.ts";
import { variantKey } from "../../services/products/variants.ts";
import { SeededRandom } from "../../tools/seeded-random.ts";
import { setVariables } from "../variables.ts";
import { newGroup, newVariant } from "./grouped-products.ts";
import { startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

type Params = ParamsOf<"v1.products.list">;
type Product = ResultOf<"v1.products.get">;
type Products = DocumentService<ProductDocument> & { listing: Listing };

const NAMES = ["Kaos", "Kemeja", "Polos", "Katun", "Lurik"];
const CATEGORIES = ["kaos", "kemeja"];

describe.each(stores)("a list with one product for each group, on %s", (_, url) => {
	let broker: ServiceBroker;
	const chance = new SeededRandom(11);
	const known = new Map<string, Product>();

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		setVariables({ MONGO_URL: undefined });
		const groups: (string | null)[] = [null, null];
		for (let group = 0; group < 12; group++) {
			groups.push((await newGroup(broker, "nomor")).id);
		}
		for (let number = 0; number < 120; number++) {
			const given = {
				name: chance.shuffle(NAMES).slice(0, chance.between(1, 3)).join(" "),
				price: chance.between(1, 20) * 1000,
				stock: chance.between(0, 2),
				category: chance.pick(CATEGORIES),
			};
			await newVariant(broker, chance.pick(groups), { nomor: String(number) }, given);
		}
		for (const product of await all({ limit: 100 })) {
			known.set(product.id, product);
		}
		expect(known.size).toBe(120);
	});

	afterAll(() => broker.stop());

	const service = () => broker.getLocalService("v1.products") as unknown as Products;
	const page = (params: Params) => callAction(broker, "v1.products.list", params);
	const ids = (found: { id: string }[]) => found.map(({ id }) => id);

	/** Reads all pages by their cursors. */
	async function all(params: Params): Promise<Product[]> {
		const found: Product[] = [];
		let cursor: string | null = null;
		do {
			const { items, next }: ResultOf<"v1.products.list"> = await page({
				...params,
				...(cursor ? { cursor } : {}),
			});
			found.push(...items);
			cursor = next;
		} while (cursor);
		return found;
	}

	/** Computes the same result from the list without collapse. */
	async function expected(params: Params): Promise<Product[]> {
		const matching = await all(params);
		const byId = matching.toSorted((one, other) => (one.id < other.id ? -1 : 1));
		return matching.flatMap((product) => {
			const { group_id, price } = product;
			const mates = byId.filter((mate) => mate.group_id === group_id);
			const first = mates.find(({ stock }) => stock > 0) ?? mates[0];
			if (group_id !== null && first?.id !== product.id) {
				return [];
			}
			const group = group_id === null ? [] : [...known.values()].filter((mate) => mate.group_id === group_id);
			const prices = group_id === null ? [price] : group.map((mate) => mate.price);
			const totals = { min_price: Math.min(...prices), max_price: Math.max(...prices) };
			return [{ ...product, variant_count: prices.length, ...totals }];
		});
	}

	function someQuestion(): Params {
		const min = chance.between(1, 20) * 1000;
		return {
			limit: chance.between(1, 20),
			sort: chance.pick(["created_at", "-created_at", "price", "-price", "name", "-name"]),
			...(chance.happens(0.3) ? { category: chance.pick([...CATEGORIES, "none"]) } : {}),
			...(chance.happens(0.4) ? { q: chance.shuffle(NAMES).slice(0, 2).join(" ") } : {}),
			...(chance.happens(0.4) ? { min_price: min } : {}),
			...(chance.happens(0.4) ? { max_price: min + chance.between(0, 10) * 1000 } : {}),
			...(chance.happens(0.4) ? { in_stock: chance.happens(0.5) } : {}),
		};
	}

	test("is that of every product without its mates, for any question, page by page", async () => {
		for (let question = 0; question < (url ? 15 : 60); question++) {
			const params = someQuestion();
			const wanted = await expected(params);
			expect({ params, found: await all({ ...params, collapse: true }) }).toEqual({ params, found: wanted });
			const skip = chance.between(0, 10);
			const { items } = await page({ ...params, collapse: true, skip });
			expect({ params, skip, ids: ids(items) }).toEqual({
				...{ params, skip },
				ids: ids(wanted.slice(skip, skip + (params.limit as number))),
			});
		}
	});

	if (url) {
		test("is the same by the queries that a MongoDB is asked", async () => {
			const { collection } = service();
			const native = new MongoListing(collection as ConstructorParameters<typeof MongoListing>[0]);
			await native.start();
			for (let question = 0; question < 15; question++) {
				const params = products.actions.list.params.parse({ ...someQuestion(), skip: chance.between(0, 5) });
				const first = readPage(params);
				const { found } = await service().listing.collapsed(first);
				const last = found.at(-1);
				for (const asked of [first, last ? { ...first, after: last[first.key] } : first]) {
					const [one, other] = [await native.collapsed(asked), await service().listing.collapsed(asked)];
					expect({ asked, found: one.found.map(comparable) }).toEqual({
						...{ asked, found: other.found.map(comparable) },
					});
				}
			}
		});
	}

	const comparable = ({ _id, variant_count, min_price_minor, max_price_minor }: Collapsed) => ({
		...{ _id, variant_count, min_price_minor, max_price_minor },
	});

	test("shows another variant once the first is sold out, and the group's new prices", async () => {
		const category = `k${randomUUID().slice(0, 8)}`;
		const { id } = await newGroup(broker, "ukuran");
		const [m, l] = [
			await newVariant(broker, id, { ukuran: "M" }, { category, stock: 1, price: 5000 }),
			await newVariant(broker, id, { ukuran: "L" }, { category, stock: 1, price: 7000 }),
		];
		const shown = async () => (await all({ category, collapse: true })).map((one) => [one.id, one.max_price]);
		const sell = (product: string) =>
			callAction(broker, "v1.products.changeStock", { id: product, quantity: -1 }, asService());
		const read = () =>
			service().listing.collapsed(readPage(products.actions.list.params.parse({ category })));
		expect(await shown()).toEqual([[m.id, 7000]]);
		await sell(m.id);
		expect((await read()).found).toMatchObject([{ _id: l.id, variant_count: 2 }]);
		await sell(l.id);
		expect((await read()).found).toMatchObject([{ _id: m.id }]);
		await callAction(broker, "v1.products.update", { id: l.id, price: 9000 }, asService());
		expect((await read()).found).toMatchObject([{ max_price_minor: 9000 }]);
		await callAction(broker, "v1.products.remove", { id: l.id }, asService());
		expect((await read()).found).toMatchObject([{ variant_count: 1, max_price_minor: 5000 }]);
		await callAction(broker, "v1.products.removeGroup", { id }, asService());
		expect((await read()).found).toMatchObject([{ _id: m.id, variant_count: 1 }]);
	});

	// On a server, the same function reads the batches; making thousands of products there takes a minute.
	if (!url) {
		test("ends a page early where thousands of variants stand behind those that are shown, and goes on by its cursor", async () => {
			const category = `k${randomUUID().slice(0, 8)}`;
			const words = wordsOf("penanda").join("");
			const { id } = await newGroup(broker, "nomor");
			const variant = (number: number) => {
				const given = { name: words, description: "", price: number, stock: 1, category };
				const options: [string, string][] = [["nomor", String(number)]];
				const fields = { group_id: id, options, variant_key: variantKey(id, options) };
				return newDocument({ ...given }, undefined, null, fields);
			};
			// More than a group may have, so that one is enough.
			const documents = Array.from({ length: SCANNED_MAX + 200 }, (_, number) => variant(number + 1));
			const last = newDocument({ name: words, description: "", price: 1e6, stock: 1, category });
			for (let at = 0; at < documents.length; at += 1000) {
				await service().adapter.insertMany(documents.slice(at, at + 1000));
			}
			await service().adapter.insert(last);
			await service().listing.changed([...documents.map(({ _id }) => _id), last._id]);
			const question = { category, sort: "price", limit: 10, collapse: true } as const;
			const first = await page(question);
			expect(ids(first.items)).toEqual([documents[0]?._id]);
			expect(first.next).not.toBeNull();
			const second = await page({ ...question, cursor: first.next as string });
			expect(ids(second.items)).toEqual([last._id]);
			expect(second.next).toBeNull();
			await expect(
				page({ ...question, collapse: false, cursor: first.next as string }),
			).rejects.toMatchObject({
				type: "VALIDATION_FAILED",
			});
		});
	}
});
