import type { DocumentAdapter } from "../../mixins/documents.ts";
import type { ProductDocument } from "./model.ts";

/** Changes with how products are described for search, so that what an earlier version wrote is written anew. */
const DESCRIBED_AS = 2;
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

/** The words of a text as they are compared: without case, accents and marks. */
export function wordsOf(text: string): string[] {
	return (
		text
			.normalize("NFKD")
			.replace(/\p{M}/gu, "")
			.toLowerCase()
			.match(/[\p{L}\p{N}]{1,40}/gu) ?? []
	);
}

/** A price as text in the order of its amount. */
export function priceKey(price_minor: number): string {
	return String(price_minor).padStart(PRICE_DIGITS, "0");
}

/** Gives their search fields to products that an earlier version has described. */
export async function describeForSearch(store: DocumentAdapter<ProductDocument>): Promise<void> {
	for (;;) {
		const found = await store.find({ query: { described_as: { $ne: DESCRIBED_AS } }, limit: 500 });
		if (found.length === 0) {
			return;
		}
		for (const document of found) {
			const { _id, name, description, category, price_minor } = document;
			// Unless another process has changed it meanwhile: then it is found again, or well described.
			await store.updateMany(
				{ _id, name, description, category, price_minor },
				{ $set: searchFields(document) },
			);
		}
	}
}
