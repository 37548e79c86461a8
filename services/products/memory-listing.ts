import type { DocumentAdapter } from "../../mixins/documents.ts";
import type { Key, Listing, Page } from "./listing.ts";
import { ON_SALE, type ProductDocument } from "./model.ts";
import { priceKey } from "./search.ts";

type Kept = "_id" | "category" | "price_minor" | "price_key" | "name_key" | "updated_at";

interface Entry extends Pick<ProductDocument, Kept> {
	/** The words that it has: kept once for all products. */
	words: Word[];
}

interface Word {
	text: string;
	entries: Set<Entry>;
}

/** So many are sorted at once; of more, one goes through all in their order until the page is full. */
const FEW = 1000;
/** Products whose stock is looked at in one go. */
const BATCH = 100;
const SPARE = 5;
/** A change that another process was about to write is there after this. */
const LATE_MS = 10_000;

/**
 * Lists by an index in memory, where the store has none that is of use: NeDB's own would be written anew with every change
 * of a stock, and both NeDB and the MongoDB-compatible server for development read whole indexes for each page.
 */
export class MemoryListing implements Listing {
	#store: DocumentAdapter<ProductDocument>;
	/** Other processes change the products too. */
	#isShared: boolean;
	#looked_at = 0;
	#looking: Promise<void> | undefined;
	#entries = new Map<string, Entry>();
	/** The keys of all products in their order; each ends with the product's id. */
	#orders: Record<Key, string[]> = { _id: [], price_key: [], name_key: [] };
	#byCategory = new Map<string, Set<Entry>>();
	#byWord = new Map<string, Word>();

	constructor(store: DocumentAdapter<ProductDocument>, isShared: boolean) {
		this.#store = store;
		this.#isShared = isShared;
	}

	async start(): Promise<void> {
		this.#looked_at = Date.now();
		for (const document of await this.#store.find({ query: ON_SALE })) {
			const entry = this.#file(document);
			for (const key of KEYS) {
				this.#orders[key].push(entry[key]);
			}
		}
		for (const key of KEYS) {
			this.#orders[key].sort(compare);
		}
	}

	async page(page: Page): Promise<ProductDocument[]> {
		await this.#catchUp();
		const found: ProductDocument[] = [];
		let skipped = 0;
		let batch: string[] = [];
		// Of these some may be sold out, or in stock after all.
		const spare = page.in_stock === undefined ? 0 : SPARE;
		const look = async () => {
			for (const document of await this.#read(batch)) {
				if (page.in_stock !== undefined && document.stock > 0 !== page.in_stock) {
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
				await look();
				if (found.length === page.limit) {
					return found;
				}
			}
		}
		await look();
		return found;
	}

	async categories(): Promise<string[]> {
		await this.#catchUp();
		return [...this.#byCategory.keys()].sort();
	}

	async changed(ids: string[]): Promise<void> {
		for (const document of await this.#store.find({ query: { _id: { $in: ids } } })) {
			this.#take(document);
		}
	}

	/** Takes over what other processes have changed. */
	#catchUp(): Promise<void> | undefined {
		if (!this.#isShared) {
			return undefined;
		}
		this.#looking ??= this.#look().finally(() => {
			this.#looking = undefined;
		});
		return this.#looking;
	}

	async #look(): Promise<void> {
		const now = Date.now();
		const since = new Date(this.#looked_at - LATE_MS).toISOString();
		for (const document of await this.#store.find({ query: { updated_at: { $gte: since } } })) {
			this.#take(document);
		}
		this.#looked_at = now;
	}

	/** Puts a product where it belongs now, if it is on sale. */
	#take(document: ProductDocument): void {
		const known = this.#entries.get(document._id);
		if (known?.updated_at === document.updated_at && document.removed_at === null) {
			return;
		}
		if (known) {
			this.#remove(known);
		}
		if (document.removed_at === null) {
			this.#add(document);
		}
	}

	/** What matches, in its order, from behind the cursor on. */
	*#choose(page: Page): Generator<Entry> {
		const { key, descending, after } = page;
		const sets = this.#setsOf(page);
		const few = this.#few(page, sets);
		if (few) {
			const rest = few.filter(
				(entry) => matches(entry, page, sets) && isAfter(entry[key], after, descending),
			);
			rest.sort((one, other) => compare(one[key], other[key]) * (descending ? -1 : 1));
			yield* rest;
			return;
		}
		const keys = this.#orders[key];
		const [begin, end] = this.#bounds(page);
		for (let number = 0; number < end - begin; number++) {
			const entry = this.#entries.get(idOf(keys[descending ? end - 1 - number : begin + number] as string));
			if (entry && matches(entry, page, sets)) {
				yield entry;
			}
		}
	}

	/** What has the category, and what has each of the words, the fewest first: what matches is in all of them. */
	#setsOf({ category, words }: Page): Set<Entry>[] {
		return [
			...(category === undefined ? [] : [this.#byCategory.get(category)]),
			...words.map((word) => this.#byWord.get(word)?.entries),
		]
			.map((set) => set ?? new Set<Entry>())
			.sort((one, other) => one.size - other.size);
	}

	/** The smallest set that holds all that matches, where it is small. */
	#few({ min_price, max_price }: Page, [smallest]: Set<Entry>[]): Entry[] | undefined {
		if (smallest && smallest.size <= FEW) {
			return [...smallest];
		}
		const keys = this.#orders.price_key;
		const begin = min_price === undefined ? 0 : bisect(keys, priceKey(min_price));
		const end = max_price === undefined ? keys.length : bisect(keys, priceKey(max_price + 1));
		return end - begin <= FEW
			? keys.slice(begin, end).map((one) => this.#entries.get(idOf(one)) as Entry)
			: undefined;
	}

	/** The part of the order that a page can come from. */
	#bounds({ key, descending, after, min_price, max_price }: Page): [number, number] {
		const keys = this.#orders[key];
		let [begin, end] = [0, keys.length];
		if (key === "price_key") {
			begin = min_price === undefined ? 0 : bisect(keys, priceKey(min_price));
			end = max_price === undefined ? keys.length : bisect(keys, priceKey(max_price + 1));
		}
		if (after !== undefined) {
			if (descending) {
				end = Math.min(end, bisect(keys, after));
			} else {
				begin = Math.max(begin, bisect(keys, `${after}\u0000`));
			}
		}
		return [begin, Math.max(begin, end)];
	}

	async #read(ids: string[]): Promise<ProductDocument[]> {
		const documents = await this.#store.find({ query: { _id: { $in: ids } } });
		const onSale = documents.filter(({ removed_at }) => removed_at === null);
		const byId = new Map(onSale.map((document) => [document._id, document]));
		return ids.flatMap((id) => byId.get(id) ?? []);
	}

	#add(document: ProductDocument): void {
		const entry = this.#file(document);
		for (const key of KEYS) {
			const keys = this.#orders[key];
			keys.splice(bisect(keys, entry[key]), 0, entry[key]);
		}
	}

	#file(document: ProductDocument): Entry {
		const { _id, category, price_minor, price_key, name_key, updated_at } = document;
		const words = document.words.map((text) => this.#word(text));
		const entry = { _id, category, words, price_minor, price_key, name_key, updated_at };
		this.#entries.set(_id, entry);
		const inCategory = this.#byCategory.get(category) ?? new Set();
		this.#byCategory.set(category, inCategory.add(entry));
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

	#remove(entry: Entry): void {
		this.#entries.delete(entry._id);
		const inCategory = this.#byCategory.get(entry.category);
		inCategory?.delete(entry);
		if (inCategory?.size === 0) {
			this.#byCategory.delete(entry.category);
		}
		for (const { text, entries } of entry.words) {
			entries.delete(entry);
			if (entries.size === 0) {
				this.#byWord.delete(text);
			}
		}
		for (const key of KEYS) {
			const keys = this.#orders[key];
			keys.splice(bisect(keys, entry[key]), 1);
		}
	}
}

const KEYS: Key[] = ["_id", "price_key", "name_key"];

function matches(entry: Entry, { min_price, max_price }: Page, sets: Set<Entry>[]): boolean {
	return (
		(min_price === undefined || entry.price_minor >= min_price) &&
		(max_price === undefined || entry.price_minor <= max_price) &&
		sets.every((set) => set.has(entry))
	);
}

function isAfter(key: string, after: string | undefined, descending: boolean): boolean {
	return after === undefined || (descending ? key < after : key > after);
}

/** The first place whose key is not smaller. */
function bisect(keys: string[], key: string): number {
	let [low, high] = [0, keys.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((keys[middle] as string) < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

function compare(one: string, other: string): number {
	return one < other ? -1 : Number(one > other);
}

function idOf(key: string): string {
	return key.slice(key.lastIndexOf(" ") + 1);
}
