import type { NativeCollection } from "../../database/document-store.ts";
import type { ProductDocument } from "./documents.ts";
import { LISTED, type Listed, type Listing, type Page, SORT_FIELDS } from "./listing.ts";
import { ON_SALE } from "./model.ts";

/**
 * Lists products by indexes of a MongoDB server: for each sort order, one of all products, one by category, one by
 * word.
 */
export class MongoListing implements Listing {
	#collection: NativeCollection<ProductDocument>;

	constructor(collection: NativeCollection<ProductDocument>) {
		this.#collection = collection;
	}

	async start(): Promise<void> {
		for (const key of SORT_FIELDS) {
			for (const prefix of ["removed_at", "category", "words"]) {
				await this.#collection.createIndex({ [prefix]: 1, [key]: 1 }, {});
			}
		}
	}

	page({ key, descending, after, skip, limit, ...filters }: Page): Promise<Listed[]> {
		const query = {
			...ON_SALE,
			...toQuery(filters),
			...(after === undefined ? {} : { [key]: { [descending ? "$lt" : "$gt"]: after } }),
		};
		return this.#collection
			.find(query)
			.sort({ [key]: descending ? -1 : 1 })
			.skip(skip)
			.limit(limit)
			.project(Object.fromEntries(LISTED.map((field) => [field, 1])))
			.toArray();
	}

	async categories(): Promise<string[]> {
		return (await this.#collection.distinct("category", ON_SALE)).sort();
	}

	async changed(): Promise<void> {}

	stop(): void {}
}

type Filters = Pick<Page, "category" | "words" | "min_price" | "max_price" | "in_stock">;

function toQuery({ category, words, min_price, max_price, in_stock }: Filters): object {
	const [first, ...others] = words;
	return {
		...(category === undefined ? {} : { category }),
		...(first === undefined ? {} : { words: others.length === 0 ? first : { $all: words } }),
		...(min_price === undefined && max_price === undefined
			? {}
			: { price_minor: { $gte: min_price ?? 0, $lte: max_price ?? Number.MAX_SAFE_INTEGER } }),
		...(in_stock === undefined ? {} : { stock: in_stock ? { $gt: 0 } : 0 }),
	};
}
