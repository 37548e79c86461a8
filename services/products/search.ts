import * as contract from "../../contracts/product-schemas.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { ProductDocument } from "./documents.ts";
import { folded } from "./folding.ts";

/**
 * Version of the search fields and of the form of SKUs and categories. When it changes, products of an earlier version
 * are converted.
 */
export const DESCRIBED_AS = 3;
/**
 * Maximum number of characters that names are ordered by and cursors contain: 200 syllables of Hangul are 600 letters.
 */
const NAME_KEY_MAX = 640;
const PRICE_DIGITS = 15;

/** Fields for search and order. They are written with every description; no other code may set them. */
type SearchFields = Pick<ProductDocument, "words" | "price_key" | "name_key" | "described_as">;

type Described = Pick<ProductDocument, "_id" | "name" | "description" | "category" | "price_minor">;

/**
 * Returns the search fields of a product, including all its words, whose number the limit of 5000 characters bounds.
 */
export function searchFields({ _id, name, description, category, price_minor }: Described): SearchFields {
	const name_words = [...wordsOf(name).join(" ")].slice(0, NAME_KEY_MAX).join("");
	return {
		words: [...new Set(wordsOf(`${name} ${category} ${description}`))],
		price_key: `${priceKey(price_minor)} ${_id}`,
		name_key: `${name_words} ${_id}`,
		described_as: DESCRIBED_AS,
	};
}

/** Returns the words of a text, folded: `Łódź` and `lodz` are the same word. */
export function wordsOf(text: string): string[] {
	return folded(text).match(/[\p{L}\p{N}]{1,40}/gu) ?? [];
}

/** Returns a price as text that sorts by amount. */
export function priceKey(price_minor: number): string {
	return String(price_minor).padStart(PRICE_DIGITS, "0");
}

/**
 * Converts products of an earlier version: their search fields, and the form of their SKUs and categories. An SKU that
 * another product has in the new form is left unchanged and reported by `warn`.
 */
export async function convertProducts(
	store: DocumentAdapter<ProductDocument>,
	warn: (line: string) => void,
): Promise<void> {
	for (;;) {
		const found = await store.find({ query: { described_as: { $ne: DESCRIBED_AS } }, limit: 500 });
		if (found.length === 0) {
			return;
		}
		// Concurrently, since simultaneous writes share the cost of the disk.
		await Promise.all(found.map((document) => convert(store, document, warn)));
	}
}

async function convert(
	store: DocumentAdapter<ProductDocument>,
	document: ProductDocument,
	warn: (line: string) => void,
): Promise<void> {
	const { _id, sku, name, description, category, price_minor } = document;
	const normal = {
		sku: contract.sku.safeParse(sku).data ?? sku,
		category: contract.category.safeParse(category).data ?? category,
	};
	const described = {
		category: normal.category,
		...searchFields({ ...document, category: normal.category }),
		// Makes other processes read the change.
		...(normal.category === category ? {} : { updated_at: new Date().toISOString() }),
	};
	// If another process changes it meanwhile, it is found again or already converted.
	const query = { _id, sku, name, description, category, price_minor };
	try {
		await store.updateMany(query, {
			$set: { ...described, ...(normal.sku === sku ? {} : { sku: normal.sku }) },
		});
	} catch (error) {
		if (!isDuplicate(error)) {
			throw error;
		}
		warn(
			`product ${_id} keeps its sku ${JSON.stringify(sku)}, which looks like another product's: imports update the other one`,
		);
		await store.updateMany(query, { $set: described });
	}
}
