import type { DocumentAdapter } from "../../mixins/documents.ts";
import type { ProductDocument } from "./model.ts";

/** The most words of a product that it is found by; those of its name and category come first. */
const WORDS_MAX = 40;
const PRICE_DIGITS = 15;

/** Fields that products are found and ordered by. They are written with every description; nothing else may set them. */
export type SearchFields = Pick<ProductDocument, "words" | "price_key" | "name_key">;

/** The search fields of a product, from what it says of itself. */
export function searchFields(
	document: Pick<ProductDocument, "_id" | "name" | "description" | "category" | "price_minor">,
): SearchFields {
	const { _id, name, description, category, price_minor } = document;
	return {
		words: [...new Set(wordsOf(`${name} ${category} ${description}`))].slice(0, WORDS_MAX),
		price_key: `${priceKey(price_minor)} ${_id}`,
		name_key: `${wordsOf(name).join(" ")} ${_id}`,
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

/** Gives search fields to products of an earlier version, which have none. */
export async function describeForSearch(store: DocumentAdapter<ProductDocument>): Promise<void> {
	for (;;) {
		const found = await store.find({ query: { name_key: { $exists: false } }, limit: 500 });
		if (found.length === 0) {
			return;
		}
		for (const document of found) {
			await store.updateMany({ _id: document._id }, { $set: searchFields(document) });
		}
	}
}
