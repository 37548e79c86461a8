import { createHash } from "node:crypto";
import type { z } from "zod";
import { fromMinor, toMinor } from "../../contracts/money.ts";
import type { products } from "../../contracts/products.ts";
import { cursorAt, readCursor } from "../../database/page-cursor.ts";
import type { ProductDocument } from "./documents.ts";
import { PRESENTED, present } from "./model.ts";
import { DESCRIBED_AS, wordsOf } from "./search.ts";

type Params = z.output<typeof products.actions.list.params>;

/** Field for each sort order; its values are unique. */
const KEYS = { created_at: "_id", price: "price_key", name: "name_key" } as const;

export type Key = (typeof KEYS)[keyof typeof KEYS];

/** The fields of all sort orders. */
export const SORT_FIELDS: readonly Key[] = Object.values(KEYS);

/** Fields that a listing reads. */
export const LISTED = [...PRESENTED, "removed_at", ...SORT_FIELDS] as const;

export type Listed = Pick<ProductDocument, (typeof LISTED)[number]>;

/** Filters, order and start of a page. */
export interface Page {
	key: Key;
	descending: boolean;
	/** Last key of the previous page. */
	after: string | undefined;
	category: string | undefined;
	/** A product must have all of them. */
	words: string[];
	/** In minor units of the currency. */
	min_price: number | undefined;
	max_price: number | undefined;
	in_stock: boolean | undefined;
	skip: number;
	limit: number;
}

/** A product that stands for its group. */
export interface Collapsed extends Listed {
	variant_count: number;
	/** In minor units of the currency. */
	min_price_minor: number;
	max_price_minor: number;
}

/** A page of collapsed groups. */
export interface CollapsedPage {
	found: Collapsed[];
	/** Key at which the search stopped before the page was full: the next page goes on there. */
	stopped_at?: string;
}

/** Lists the products on sale, with the same results on every store, and fast for any number of products. */
export interface Listing {
	start(): Promise<void>;
	stop(): void;
	page(page: Page): Promise<Listed[]>;
	/** Like `page`, with one product for each group. */
	collapsed(page: Page): Promise<CollapsedPage>;
	categories(): Promise<string[]>;
	/** Called after products with these ids were added, updated or removed. */
	changed(ids: string[]): Promise<void>;
}

/**
 * Returns the requested page.
 *
 * @throws VALIDATION_FAILED if the cursor belongs to another list.
 */
export function readPage(params: Params): Page {
	const { q, min_price, max_price, sort, cursor, ...rest } = params;
	const descending = sort.startsWith("-");
	return {
		...{ category: rest.category, in_stock: rest.in_stock, skip: rest.skip, limit: rest.limit },
		key: KEYS[sort.replace("-", "") as keyof typeof KEYS],
		descending,
		after: cursor === undefined ? undefined : readCursor(listOf(params), cursor),
		words: q === undefined ? [] : wordsToFind(q),
		min_price: min_price === undefined ? undefined : toMinor(min_price),
		max_price: max_price === undefined ? undefined : toMinor(max_price),
	};
}

/**
 * Returns the words of a search. For one without words, such as `!!!`, returns the empty word, which no product has.
 */
function wordsToFind(q: string): string[] {
	const words = wordsOf(q);
	return words.length === 0 ? [""] : [...new Set(words)];
}

/** Returns the requested page of the contract. */
export async function listProducts(
	listing: Listing,
	params: Params,
): Promise<z.input<typeof products.actions.list.result>> {
	const page = readPage(params);
	const { found, stopped_at }: { found: (Listed | Collapsed)[]; stopped_at?: string } = params.collapse
		? await listing.collapsed(page)
		: { found: await listing.page(page) };
	const next = stopped_at ?? (found.length < params.limit ? undefined : found.at(-1)?.[page.key]);
	return {
		items: found.map((product) => ({
			...present(product),
			...("variant_count" in product ? presentTotals(product) : {}),
		})),
		next: next === undefined ? null : cursorAt(listOf(params), next),
	};
}

function presentTotals({ variant_count, min_price_minor, max_price_minor }: Collapsed) {
	return { variant_count, min_price: fromMinor(min_price_minor), max_price: fromMinor(max_price_minor) };
}

/**
 * Returns an id of the list: a cursor is valid only in the same list, and one by name only as long as the order of
 * names is the same.
 */
function listOf({ q, category, min_price, max_price, in_stock, sort, collapse }: Params): string {
	const order = [sort, ...(sort.endsWith("name") ? [DESCRIBED_AS] : []), ...(collapse ? ["collapse"] : [])];
	const filters = JSON.stringify([q, category, min_price, max_price, in_stock, ...order]);
	return createHash("sha256").update(filters).digest("base64url").slice(0, 8);
}
