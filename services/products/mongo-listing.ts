import type { NativeCollection } from "../../database/document-store.ts";
import { type Batch, collapse, type Variant } from "./collapsing.ts";
import type { ProductDocument } from "./documents.ts";
import { type CollapsedPage, LISTED, type Listed, type Listing, type Page, SORT_FIELDS } from "./listing.ts";
import { ON_SALE } from "./model.ts";

/** Number of products that are read at once for a page with one product for each group. */
const BATCH = 100;

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

	collapsed(page: Page): Promise<CollapsedPage> {
		return collapse(page, this.#batches(page), (group_ids) => this.#variantsOf(group_ids, page));
	}

	async *#batches({ ...page }: Page): AsyncGenerator<Batch> {
		for (;;) {
			const products = await this.page({ ...page, skip: 0, limit: BATCH });
			const last = products.at(-1)?.[page.key];
			if (last !== undefined) {
				yield { products, scanned: products.length, last };
			}
			if (products.length < BATCH) {
				return;
			}
			page.after = last;
		}
	}

	async #variantsOf(group_ids: string[], filters: Filters): Promise<Map<string, Variant[]>> {
		const read = (query: object, fields: string[]) =>
			this.#collection
				.find({ group_id: { $in: group_ids }, ...ON_SALE, ...query })
				.sort({ _id: 1 })
				.project(Object.fromEntries(fields.map((field) => [field, 1])))
				.toArray();
		const query = toQuery(filters);
		const hasFilters = Object.keys(query).length > 0;
		const [variants, matches] = await Promise.all([
			read({}, ["group_id", "price_minor", "stock"]),
			hasFilters ? read(query, ["_id"]) : undefined,
		]);
		const matching = matches && new Set(matches.map(({ _id }) => _id));
		return Map.groupBy(
			variants.map((variant) => ({ ...variant, isMatch: matching?.has(variant._id) ?? true })),
			({ group_id }) => group_id as string,
		);
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
