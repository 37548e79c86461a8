import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import type { newProduct, product, productChanges } from "../../contracts/product-schemas.ts";
import type { Held, ProductDocument, Reason } from "./documents.ts";
import { searchFields } from "./search.ts";
import { VARIANTS_ONLY, type VariantFields } from "./variants.ts";

/** Condition that matches products on sale. */
export const ON_SALE = { removed_at: null };

let counter = 0;

/**
 * Returns a new id of a product or group in the form of an ObjectId, in ascending order: 12 hex digits of milliseconds, 4 of a counter, 8 random
 * ones.
 */
export function newId(): string {
	counter = (counter + 1) % 0x10000;
	return hex(Date.now(), 12) + hex(counter, 4) + randomBytes(4).toString("hex");
}

function hex(value: number, digits: number): string {
	return value.toString(16).padStart(digits, "0");
}

/** Returns the document of a new product. */
export function newDocument(
	input: Omit<z.output<typeof newProduct>, "group_id" | "options">,
	sku?: string,
	described_by: ProductDocument["described_by"] = null,
	variant: VariantFields = {},
): ProductDocument {
	const _id = newId();
	const now = new Date().toISOString();
	const described = changesOf(input) as Described;
	return {
		_id,
		sku: sku ?? _id,
		...described,
		...imagesAfter(input),
		...stored(variant),
		...searchFields({ _id, ...described }),
		stock: input.stock,
		supplied: input.stock,
		// Needs no entry against repetition: the document is inserted once.
		ledger_sums: { [described_by ? "import" : "create"]: input.stock },
		holds: [],
		created_at: now,
		updated_at: now,
		described_by,
		removed_at: null,
	};
}

/** Returns variant fields as stored: a product without a group lacks `VARIANTS_ONLY`. */
function stored({ group_id, ...others }: VariantFields): VariantFields {
	return group_id ? { group_id, ...others } : others;
}

type Changes = Omit<z.output<typeof productChanges>, "id" | "group_id" | "options">;

/** Fields that changes replace one by one. */
export type Described = Pick<ProductDocument, "name" | "description" | "price_minor" | "category"> &
	Partial<Pick<ProductDocument, "weight_g" | "requires_shipping" | "compare_at_price_minor">>;

/** Returns the stored fields of given ones, without pictures, so that concurrent changes of other fields are kept. */
export function changesOf(changes: Changes): Partial<Described> {
	const { name, description, price, category, weight_g, requires_shipping, compare_at_price } = changes;
	const fields = {
		...{ name, description, category, weight_g, requires_shipping },
		price_minor: price === undefined ? undefined : toMinor(price),
		compare_at_price_minor: compare_at_price ? toMinor(compare_at_price) : compare_at_price,
	};
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

type ImageFields = Pick<ProductDocument, "image_url" | "other_image_urls">;

/**
 * Returns the pictures after changes. `image_url` alone replaces the first one and keeps the others; null removes them all.
 */
export function imagesAfter(
	{ image_url, image_urls }: Pick<Changes, "image_url" | "image_urls">,
	before: ImageFields = { image_url: null },
): ImageFields {
	const others = imagesOf(before).slice(1);
	const replaced = image_url == null ? [] : [image_url, ...others.filter((url) => url !== image_url)];
	const [first = null, ...rest] = image_urls ?? replaced;
	return { image_url: first, ...(rest.length > 0 || others.length > 0 ? { other_image_urls: rest } : {}) };
}

function imagesOf({ image_url, other_image_urls = [] }: ImageFields): string[] {
	return image_url === null ? [] : [image_url, ...other_image_urls];
}

/**
 * Returns the update that makes changes, with its guard: fields that the new ones were derived from are as they were
 * read.
 *
 * @param variant Undefined leaves group and options unchanged.
 */
export function updateOf(document: ProductDocument, changes: Changes, variant: VariantFields | undefined) {
	const { _id, name, description, category, price_minor } = document;
	const described = changesOf(changes);
	const hasImages = changes.image_url !== undefined || changes.image_urls !== undefined;
	return {
		query: {
			// The search fields depend on these.
			...{ _id, ...ON_SALE, name, description, category, price_minor },
			...(hasImages ? asRead(document, ["image_url", "other_image_urls"]) : {}),
			...(variant ? asRead(document, ["group_id", "options"]) : {}),
		},
		update: {
			$set: {
				...described,
				...searchFields({ ...document, ...described }),
				...(hasImages ? imagesAfter(changes, document) : {}),
				...(variant ? stored(variant) : {}),
				updated_at: new Date().toISOString(),
			},
			...(variant && !variant.group_id ? { $unset: VARIANTS_ONLY } : {}),
		},
	};
}

function asRead(document: ProductDocument, fields: (keyof ProductDocument)[]): object {
	return Object.fromEntries(fields.map((field) => [field, document[field] ?? absent(document, field)]));
}

/** NeDB tells an absent field from null. */
function absent(document: ProductDocument, field: keyof ProductDocument): unknown {
	return document[field] === undefined ? { $exists: false } : null;
}

/** Fields in the contract. */
export const PRESENTED = [
	"name",
	"description",
	"price_minor",
	"stock",
	"category",
	"image_url",
	"other_image_urls",
	"group_id",
	"options",
	"weight_g",
	"requires_shipping",
	"compare_at_price_minor",
	"created_at",
	"updated_at",
] as const;

/** Converts a document to a product of the contract. */
export function present(
	document: Pick<ProductDocument, "_id" | (typeof PRESENTED)[number]>,
): z.input<typeof product> {
	return {
		id: document._id,
		name: document.name,
		description: document.description,
		price: fromMinor(document.price_minor),
		stock: document.stock,
		category: document.category,
		image_url: document.image_url,
		image_urls: imagesOf(document),
		group_id: document.group_id ?? null,
		options: document.options ? Object.fromEntries(document.options) : null,
		weight_g: document.weight_g ?? 0,
		requires_shipping: document.requires_shipping ?? true,
		compare_at_price:
			document.compare_at_price_minor == null ? null : fromMinor(document.compare_at_price_minor),
		currency: CURRENCY,
		created_at: document.created_at,
		updated_at: document.updated_at,
	};
}

/** Returns the stock of a product for the operator. */
export function presentStock({ _id, sku, name, stock, supplied }: ProductDocument, held: Held) {
	return { id: _id, sku, name, stock, held: held.units, supplied, holds: held.holds };
}

/** Returns the ledger of a product for the operator: first the sums, then the entries by time. */
export function presentLedger({ _id, sku, name, supplied, ledger = {}, ledger_sums = {} }: ProductDocument) {
	const sums = Object.entries(ledger_sums).map(([reason, quantity]) => ({
		...{ at: null, reason: reason as Reason, quantity, by: null, id: null },
	}));
	const entries = Object.entries(ledger)
		.map(([id, { at, reason, quantity, by = null }]) => ({ at, reason, quantity, by, id }))
		.sort((one, other) => (one.at < other.at ? -1 : 1));
	return { id: _id, sku, name, supplied, entries: [...sums, ...entries] };
}
