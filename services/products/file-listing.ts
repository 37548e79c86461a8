import type { DocumentAdapter } from "../../mixins/documents.ts";
import type { Key, Listing, Page } from "./listing.ts";
import { ON_SALE, type ProductDocument } from "./model.ts";
import { priceKey } from "./search.ts";

type Entry = Pick<ProductDocument, "_id" | "category" | "words" | "price_minor" | "price_key" | "name_key">;

/** So many are sorted at once; of more, one goes through all in their order until the page is full. */
const FEW = 1000;
/** Products whose stock is looked at in one go. */
const BATCH = 100;

/**
 * Lists by an index in memory, since the file has one owner: NeDB's own indexes would be written anew with every change of
 * a stock, and read in whole for every page.
 */
export class FileListing implements Listing {
	#store: DocumentAdapter<ProductDocument>;
	#entries = new Map<string, Entry>();
	/** The keys of all products in their order; each ends with the product's id. */
	#orders: Record<Key, string[]> = { _id: [], price_key: [], name_key: [] };
	#byCategory = new Map<string, Set<Entry>>();
	#byWord = new Map<string, Set<Entry>>();

	constructor(store: DocumentAdapter<ProductDocument>) {
		this.#store = store;
	}

	async start(): Promise<void> {
		for (const document of await this.#store.find({ query: ON_SALE })) {
			const entry = entryOf(document);
			this.#file(entry);
			for (const key of KEYS) {
				this.#orders[key].push(entry[key]);
			}
		}
		for (const key of KEYS) {
			this.#orders[key].sort(compare);
		}
	}

	async page(page: Page): Promise<ProductDocument[]> {
		const found: ProductDocument[] = [];
		let skipped = 0;
		let batch: string[] = [];
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
			if (batch.length >= Math.min(BATCH, page.limit)) {
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
		return [...this.#byCategory.keys()].sort();
	}

	async changed(ids: string[]): Promise<void> {
		for (const id of ids) {
			const entry = this.#entries.get(id);
			if (entry) {
				this.#remove(entry);
			}
		}
		for (const document of await this.#store.find({ query: { _id: { $in: ids }, ...ON_SALE } })) {
			// Somebody else may have told of it meanwhile.
			const known = this.#entries.get(document._id);
			if (known) {
				this.#remove(known);
			}
			this.#add(entryOf(document));
		}
	}

	/** What matches, in its order, from behind the cursor on. */
	*#choose(page: Page): Generator<Entry> {
		const { key, descending, after } = page;
		const few = this.#few(page);
		if (few) {
			const rest = few.filter((entry) => matches(entry, page) && isAfter(entry[key], after, descending));
			rest.sort((one, other) => compare(one[key], other[key]) * (descending ? -1 : 1));
			yield* rest;
			return;
		}
		const keys = this.#orders[key];
		const [begin, end] = this.#bounds(page);
		for (let number = 0; number < end - begin; number++) {
			const entry = this.#entries.get(idOf(keys[descending ? end - 1 - number : begin + number] as string));
			if (entry && matches(entry, page)) {
				yield entry;
			}
		}
	}

	/** The smallest set that holds all that matches, where it is small. */
	#few({ category, words, min_price, max_price }: Page): Entry[] | undefined {
		const sets = [
			...(category === undefined ? [] : [this.#byCategory.get(category)]),
			...words.map((word) => this.#byWord.get(word)),
		].map((set) => set ?? new Set<Entry>());
		const smallest = sets.sort((one, other) => one.size - other.size)[0];
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
		const documents = await this.#store.find({ query: { _id: { $in: ids }, ...ON_SALE } });
		const byId = new Map(documents.map((document) => [document._id, document]));
		return ids.flatMap((id) => byId.get(id) ?? []);
	}

	#add(entry: Entry): void {
		this.#file(entry);
		for (const key of KEYS) {
			const keys = this.#orders[key];
			keys.splice(bisect(keys, entry[key]), 0, entry[key]);
		}
	}

	#file(entry: Entry): void {
		this.#entries.set(entry._id, entry);
		put(this.#byCategory, entry.category, entry);
		for (const word of entry.words) {
			put(this.#byWord, word, entry);
		}
	}

	#remove(entry: Entry): void {
		this.#entries.delete(entry._id);
		take(this.#byCategory, entry.category, entry);
		for (const word of entry.words) {
			take(this.#byWord, word, entry);
		}
		for (const key of KEYS) {
			const keys = this.#orders[key];
			keys.splice(bisect(keys, entry[key]), 1);
		}
	}
}

const KEYS: Key[] = ["_id", "price_key", "name_key"];

function entryOf({ _id, category, words, price_minor, price_key, name_key }: ProductDocument): Entry {
	return { _id, category, words, price_minor, price_key, name_key };
}

function matches(entry: Entry, { category, words, min_price, max_price }: Page): boolean {
	return (
		(category === undefined || entry.category === category) &&
		(min_price === undefined || entry.price_minor >= min_price) &&
		(max_price === undefined || entry.price_minor <= max_price) &&
		words.every((word) => entry.words.includes(word))
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

function put(sets: Map<string, Set<Entry>>, name: string, entry: Entry): void {
	const set = sets.get(name) ?? new Set();
	sets.set(name, set.add(entry));
}

function take(sets: Map<string, Set<Entry>>, name: string, entry: Entry): void {
	const set = sets.get(name);
	set?.delete(entry);
	if (set?.size === 0) {
		sets.delete(name);
	}
}
