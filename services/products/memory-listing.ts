import type { DocumentAdapter } from "../../database/document-store.ts";
import { type Batch, collapse, type Variant } from "./collapsing.ts";
import type { ProductDocument } from "./documents.ts";
import {
	type CollapsedPage,
	type Key,
	LISTED,
	type Listed,
	type Listing,
	type Page,
	SORT_FIELDS,
} from "./listing.ts";
import { ON_SALE } from "./model.ts";
import { priceKey } from "./search.ts";
import { bisect, compare } from "./sorted.ts";

type Indexed = "_id" | "category" | "price_minor" | "price_key" | "name_key" | "updated_at" | "group_id";

interface Entry extends Pick<ProductDocument, Indexed> {
	/** Its words, shared by all products. */
	words: Word[];
}

interface Word {
	text: string;
	entries: Set<Entry>;
}

/**
 * Maximum number of matches that are sorted at once; with more, all products are scanned in order until the page is
 * full.
 */
const FEW = 1000;
/** Number of products whose stock is read at once. */
const BATCH = 100;
const SPARE = 5;
/** Minimum number of products that are read first for a page with one product for each group. */
const FIRST = 25;
/** Number of variants that one query reads from a file: NeDB compares each document with each id. */
const PART = 50;
/** Maximum time between the `updated_at` of another process's change and its write, by which reads overlap. */
const LATE_MS = 10_000;
/** Interval at which changes by other processes are read in the background, so that a request has few left to read. */
const REFRESH_EVERY_MS = 3000;

/**
 * Lists products by an index in memory, for stores without a suitable one: NeDB would rewrite its own index with every
 * change of a stock, and both NeDB and the MongoDB-compatible server for development read whole indexes for each page.
 */
export class MemoryListing implements Listing {
	#store: DocumentAdapter<ProductDocument>;
	/** True if other processes change the products too. */
	#isShared: boolean;
	#read_at = 0;
	#refreshing: Promise<void> | undefined;
	/** The update after the current one, which sees all changes made before it was requested. */
	#nextRefresh: Promise<void> | undefined;
	#entries = new Map<string, Entry>();
	/** All products in the order of each key. */
	#orders: Record<Key, Entry[]> = { _id: [], price_key: [], name_key: [] };
	/** Number of changes of these orders. */
	#changes = 0;
	#byCategory = new Map<string, Set<Entry>>();
	#byGroup = new Map<string, Set<Entry>>();
	#byWord = new Map<string, Word>();
	#timer: NodeJS.Timeout | undefined;

	constructor(store: DocumentAdapter<ProductDocument>, isShared: boolean) {
		this.#store = store;
		this.#isShared = isShared;
	}

	async start(): Promise<void> {
		this.#read_at = Date.now();
		this.#apply(await this.#store.find({ query: ON_SALE }));
		if (this.#isShared) {
			// An error here will be reported to the next request.
			this.#timer = setInterval(() => this.#catchUp()?.catch(() => undefined), REFRESH_EVERY_MS);
		}
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	async page(page: Page): Promise<Listed[]> {
		await this.#catchUp();
		const found: Listed[] = [];
		let skipped = 0;
		let batch: string[] = [];
		// Extra products, since some of the batch may not match the stock filter.
		const spare = page.in_stock === undefined ? 0 : SPARE;
		const readBatch = async () => {
			for (const document of await this.#read(batch)) {
				if (!hasStock(document.stock, page)) {
					continue;
				}
				if (skipped < page.skip) {
					skipped++;
				} else if (found.length < page.limit) {
					found.push(document);
				}
			}
			batch = [];
		};
		for (const { _id } of this.#choose(page)) {
			if (page.in_stock === undefined && skipped < page.skip) {
				skipped++;
				continue;
			}
			batch.push(_id);
			if (batch.length >= Math.min(BATCH, page.limit - found.length + spare)) {
				await readBatch();
				if (found.length === page.limit) {
					return found;
				}
			}
		}
		await readBatch();
		return found;
	}

	async collapsed(page: Page): Promise<CollapsedPage> {
		await this.#catchUp();
		return collapse(page, this.#batches(page), (group_ids) => this.#variantsOf(group_ids, page));
	}

	async *#batches(page: Page): AsyncGenerator<Batch> {
		const batchOf = async (entries: Entry[]): Promise<Batch> => {
			const products = await this.#read(entries.map(({ _id }) => _id));
			return {
				products: products.filter(({ stock }) => hasStock(stock, page)),
				scanned: entries.length,
				last: (entries.at(-1) as Entry)[page.key],
			};
		};
		let entries: Entry[] = [];
		// Most groups of the first products stand on this page, so that few more are read.
		let size = Math.min(BATCH, Math.max(FIRST, page.limit + SPARE));
		for (const entry of this.#choose(page)) {
			entries.push(entry);
			if (entries.length === size) {
				yield await batchOf(entries);
				entries = [];
				size = Math.min(BATCH, 2 * size);
			}
		}
		if (entries.length > 0) {
			yield await batchOf(entries);
		}
	}

	async #variantsOf(group_ids: string[], page: Page): Promise<Map<string, Variant[]>> {
		const words = this.#sets(page);
		const entries = group_ids.flatMap((group_id) => [...(this.#byGroup.get(group_id) ?? [])]);
		const matching = new Set(entries.filter((entry) => matches(entry, page, words)).map(({ _id }) => _id));
		const fields = ["group_id", "price_minor", "stock", "removed_at"] as const;
		const ids = entries.map(({ _id }) => _id).sort();
		const size = this.#isShared ? ids.length : PART;
		const parts = Array.from({ length: Math.ceil(ids.length / size) }, (_, part) => {
			const query = { _id: { $in: ids.slice(part * size, (part + 1) * size) } };
			return this.#store.find({ query, sort: ["_id"], fields });
		});
		const variants = (await Promise.all(parts))
			.flat()
			.filter(({ removed_at }) => removed_at === null)
			.map((variant) => ({
				...variant,
				isMatch: matching.has(variant._id) && hasStock(variant.stock, page),
			}));
		return Map.groupBy(variants, ({ group_id }) => group_id ?? "");
	}

	async categories(): Promise<string[]> {
		await this.#catchUp();
		return [...this.#byCategory.keys()].sort();
	}

	async changed(ids: string[]): Promise<void> {
		// Even with an equal time: two changes may fall into the same millisecond.
		this.#apply(await this.#store.find({ query: { _id: { $in: ids } } }), true);
	}

	/** Reads changes by other processes. */
	#catchUp(): Promise<void> | undefined {
		if (!this.#isShared) {
			return undefined;
		}
		if (this.#refreshing) {
			this.#nextRefresh ??= this.#refreshing
				.catch(() => undefined)
				.then(() => {
					this.#nextRefresh = undefined;
					return this.#catchUp();
				});
			return this.#nextRefresh;
		}
		this.#refreshing = this.#refresh().finally(() => {
			this.#refreshing = undefined;
		});
		return this.#refreshing;
	}

	async #refresh(): Promise<void> {
		const now = Date.now();
		const since = new Date(this.#read_at - LATE_MS).toISOString();
		this.#apply(await this.#store.find({ query: { updated_at: { $gte: since } } }));
		this.#read_at = now;
	}

	/** Updates the index with these products; removed ones leave it. */
	#apply(documents: ProductDocument[], areNew = false): void {
		const changed = documents.filter(
			({ _id, updated_at, removed_at }) =>
				areNew || removed_at !== null || this.#entries.get(_id)?.updated_at !== updated_at,
		);
		// Many products are sorted faster as a whole than inserted one by one.
		const areFew = changed.length <= FEW;
		for (const document of changed) {
			const known = this.#entries.get(document._id);
			if (known) {
				this.#unindex(known);
				if (areFew) {
					this.#remove(known);
				}
			}
			if (document.removed_at === null) {
				const entry = this.#index(document);
				if (areFew) {
					this.#insert(entry);
				}
			}
		}
		if (!areFew) {
			this.#changes++;
			for (const key of SORT_FIELDS) {
				this.#orders[key] = [...this.#entries.values()].sort((one, other) => compare(one[key], other[key]));
			}
		}
	}

	/** Yields the matching products in order, after the cursor. */
	*#choose(page: Page): Generator<Entry> {
		const { key, descending, after } = page;
		const words = this.#sets(page);
		const few = this.#few(page, words);
		if (few) {
			const rest = few.filter(
				(entry) => matches(entry, page, words) && isAfter(entry[key], after, descending),
			);
			rest.sort((one, other) => compare(one[key], other[key]) * (descending ? -1 : 1));
			yield* rest;
			return;
		}
		let [begin, end] = this.#bounds(page);
		let changes = this.#changes;
		for (let number = 0; number < end - begin; number++) {
			const entry = this.#orders[key][descending ? end - 1 - number : begin + number] as Entry;
			if (!matches(entry, page, words)) {
				continue;
			}
			yield entry;
			if (this.#changes !== changes) {
				// Products were added or removed meanwhile.
				changes = this.#changes;
				[begin, end] = this.#bounds({ ...page, after: entry[key] });
				number = -1;
			}
		}
	}

	/** Returns, for each word of the page, the products that have it. */
	#sets({ words }: Page): Set<Entry>[] {
		return words.map((word) => this.#byWord.get(word)?.entries ?? new Set<Entry>());
	}

	/** Returns the candidates, if they are few: products with the rarest word, in the category or in the price range. */
	#few({ category, min_price, max_price }: Page, words: Set<Entry>[]): Entry[] | undefined {
		const sets = category === undefined ? words : [...words, this.#byCategory.get(category) ?? new Set()];
		const smallest = sets.toSorted((one, other) => one.size - other.size)[0];
		if (smallest && smallest.size <= FEW) {
			return [...smallest];
		}
		const order = this.#orders.price_key;
		const begin = min_price === undefined ? 0 : bisect(order, "price_key", priceKey(min_price));
		const end = max_price === undefined ? order.length : bisect(order, "price_key", priceKey(max_price + 1));
		return end - begin <= FEW ? order.slice(begin, end) : undefined;
	}

	/** Returns the range of the order that a page can come from. */
	#bounds({ key, descending, after, min_price, max_price }: Page): [number, number] {
		const order = this.#orders[key];
		let [begin, end] = [0, order.length];
		if (key === "price_key") {
			begin = min_price === undefined ? 0 : bisect(order, key, priceKey(min_price));
			end = max_price === undefined ? order.length : bisect(order, key, priceKey(max_price + 1));
		}
		if (after !== undefined) {
			if (descending) {
				end = Math.min(end, bisect(order, key, after));
			} else {
				begin = Math.max(begin, bisect(order, key, `${after}\u0000`));
			}
		}
		return [begin, Math.max(begin, end)];
	}

	async #read(ids: string[]): Promise<Listed[]> {
		const documents = await this.#store.find({ query: { _id: { $in: ids } }, fields: LISTED });
		const onSale = documents.filter(({ removed_at }) => removed_at === null);
		const byId = new Map(onSale.map((document) => [document._id, document]));
		return ids.flatMap((id) => byId.get(id) ?? []);
	}

	#insert(entry: Entry): void {
		this.#changes++;
		for (const key of SORT_FIELDS) {
			const order = this.#orders[key];
			order.splice(bisect(order, key, entry[key]), 0, entry);
		}
	}

	#remove(entry: Entry): void {
		this.#changes++;
		for (const key of SORT_FIELDS) {
			const order = this.#orders[key];
			order.splice(bisect(order, key, entry[key]), 1);
		}
	}

	#index(document: ProductDocument): Entry {
		const { _id, category, price_minor, price_key, name_key, updated_at, group_id = null } = document;
		const words = document.words.map((text) => this.#word(text));
		const entry = { _id, category, words, price_minor, price_key, name_key, updated_at, group_id };
		this.#entries.set(_id, entry);
		const inCategory = this.#byCategory.get(category) ?? new Set();
		this.#byCategory.set(category, inCategory.add(entry));
		if (group_id !== null) {
			this.#byGroup.set(group_id, (this.#byGroup.get(group_id) ?? new Set()).add(entry));
		}
		for (const { entries } of words) {
			entries.add(entry);
		}
		return entry;
	}

	#word(text: string): Word {
		let word = this.#byWord.get(text);
		if (!word) {
			word = { text, entries: new Set() };
			this.#byWord.set(text, word);
		}
		return word;
	}

	#unindex(entry: Entry): void {
		this.#entries.delete(entry._id);
		const inCategory = this.#byCategory.get(entry.category);
		inCategory?.delete(entry);
		if (inCategory?.size === 0) {
			this.#byCategory.delete(entry.category);
		}
		const inGroup = this.#byGroup.get(entry.group_id ?? "");
		inGroup?.delete(entry);
		if (inGroup?.size === 0) {
			this.#byGroup.delete(entry.group_id ?? "");
		}
		for (const { text, entries } of entry.words) {
			entries.delete(entry);
			if (entries.size === 0) {
				this.#byWord.delete(text);
			}
		}
	}
}

/** @param words For each word of the page, the products that have it. */
function matches(entry: Entry, { category, min_price, max_price }: Page, words: Set<Entry>[]): boolean {
	return (
		(category === undefined || entry.category === category) &&
		(min_price === undefined || entry.price_minor >= min_price) &&
		(max_price === undefined || entry.price_minor <= max_price) &&
		words.every((entries) => entries.has(entry))
	);
}

function hasStock(stock: number, { in_stock }: Page): boolean {
	return in_stock === undefined || stock > 0 === in_stock;
}

function isAfter(key: string, after: string | undefined, descending: boolean): boolean {
	return after === undefined || (descending ? key < after : key > after);
}
