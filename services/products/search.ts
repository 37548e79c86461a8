import * as contract from "../../contracts/products.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { ProductDocument } from "./documents.ts";
import { folded } from "./folding.ts";

/**
 * Changes with how products are described for search and with the form of skus and categories, so that what an earlier
 * version wrote is written anew.
 */
export const DESCRIBED_AS = 3;
/** Names are ordered by so many characters, and cursors hold no more: 200 syllables of Hangul are 600 letters. */
const NAME_KEY_MAX = 640;
const PRICE_DIGITS = 15;

/** Fields that products are found and ordered by. They are written with every description; nothing else may set them. */
export type SearchFields = Pick<ProductDocument, "words" | "price_key" | "name_key" | "described_as">;

type Described = Pick<ProductDocument, "_id" | "name" | "description" | "category" | "price_minor">;

/** The search fields of a product, from what it says of itself: all its words, of which 5000 characters bound the number. */
export function searchFields({ _id, name, description, category, price_minor }: Described): SearchFields {
	const name_words = [...wordsOf(name).join(" ")].slice(0, NAME_KEY_MAX).join("");
	return {
		words: [...new Set(wordsOf(`${name} ${category} ${description}`))],
		price_key: `${priceKey(price_minor)} ${_id}`,
		name_key: `${name_words} ${_id}`,
		described_as: DESCRIBED_AS,
	};
}

/** The words of a text as they are compared: `Łódź` and `lodz` are one word. */
export function wordsOf(text: string): string[] {
	return folded(text).match(/[\p{L}\p{N}]{1,40}/gu) ?? [];
}

/** A price as text in the order of its amount. */
export function priceKey(price_minor: number): string {
	return String(price_minor).padStart(PRICE_DIGITS, "0");
}

/**
 * Gives products that an earlier version has described their search fields, and their skus and categories the form in
 * which they are compared now. A sku that another product has in this form stays as it is; `tell` is told of it.
 */
export async function describeForSearch(
	store: DocumentAdapter<ProductDocument>,
	tell: (line: string) => void,
): Promise<void> {
	for (;;) {
		const found = await store.find({ query: { described_as: { $ne: DESCRIBED_AS } }, limit: 500 });
		if (found.length === 0) {
			return;
		}
		// Concurrently, since writes that come together share the cost of the disk.
		await Promise.all(found.map((document) => describeAnew(store, document, tell)));
	}
}

async function describeAnew(
	store: DocumentAdapter<ProductDocument>,
	document: ProductDocument,
	tell: (line: string) => void,
): Promise<void> {
	const { _id, sku, name, description, category, price_minor } = document;
	const normal = {
		sku: contract.sku.safeParse(sku).data ?? sku,
		category: contract.category.safeParse(category).data ?? category,
	};
	const described = {
		category: normal.category,
		...searchFields({ ...document, category: normal.category }),
		// Other processes look for what has changed.
		...(normal.category === category ? {} : { updated_at: new Date().toISOString() }),
	};
	// Unless another process has changed it meanwhile: then it is found again, or well described.
	const query = { _id, sku, name, description, category, price_minor };
	try {
		await store.updateMany(query, {
			$set: { ...described, ...(normal.sku === sku ? {} : { sku: normal.sku }) },
		});
	} catch (error) {
		if (!isDuplicate(error)) {
			throw error;
		}
		tell(
			`product ${_id} keeps its sku ${JSON.stringify(sku)}, which looks like that of another product: imports change the other one`,
		);
		await store.updateMany(query, { $set: described });
	}
}
