import { createHash } from "node:crypto";
import type { z } from "zod";
import { toMinor } from "../../contracts/money.ts";
import type { products } from "../../contracts/products.ts";
import { cursorAt, readCursor } from "../../database/page-cursor.ts";
import type { ProductDocument } from "./documents.ts";
import { PRESENTED } from "./model.ts";
import { DESCRIBED_AS, wordsOf } from "./search.ts";

type Params = z.output<typeof products.actions.list.params>;

/** The field that each order goes by: its values are different in all products. */
const KEYS = { created_at: "_id", price: "price_key", name: "name_key" } as const;

export type Key = (typeof KEYS)[keyof typeof KEYS];

/** The fields that a list is made of. */
export const LISTED = [...PRESENTED, "removed_at", ...Object.values(KEYS)] as const;

export type Listed = Pick<ProductDocument, (typeof LISTED)[number]>;

/** Which products a page shows, and where it begins. */
export interface Page {
	key: Key;
	descending: boolean;
	/** The last value of the key on the page before. */
	after: string | undefined;
	category: string | undefined;
	/** All of them must be there. */
	words: string[];
	/** In the currency's smallest unit. */
	min_price: number | undefined;
	max_price: number | undefined;
	in_stock: boolean | undefined;
	skip: number;
	limit: number;
}

/** Lists what is on sale, the same on every store and quickly however much there is. */
export interface Listing {
	start(): Promise<void>;
	stop(): void;
	page(page: Page): Promise<Listed[]>;
	categories(): Promise<string[]>;
	/** Told after products with these ids have been added, described anew or removed. */
	changed(ids: string[]): Promise<void>;
}

/**
 * The page that a caller asks for.
 *
 * @throws VALIDATION_FAILED where the cursor is that of another list.
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

/** Where there is none, as in `!!!`, the empty word: no product has it. */
function wordsToFind(q: string): string[] {
	const words = wordsOf(q);
	return words.length === 0 ? [""] : [...new Set(words)];
}

/** Where the page after this one begins; nothing where this one is not full. */
export function nextCursor(params: Params, found: Listed[]): string | undefined {
	const last = found.at(-1);
	if (!last || found.length < params.limit) {
		return undefined;
	}
	const key = KEYS[params.sort.replace("-", "") as keyof typeof KEYS];
	return cursorAt(listOf(params), last[key]);
}

/** Names a list: a cursor means nothing in another one, and one by name nothing once names are ordered in another way. */
function listOf({ q, category, min_price, max_price, in_stock, sort }: Params): string {
	const order = sort.endsWith("name") ? [sort, DESCRIBED_AS] : [sort];
	const told = JSON.stringify([q, category, min_price, max_price, in_stock, ...order]);
	return createHash("sha256").update(told).digest("base64url").slice(0, 8);
}
