import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import type { newProduct, product } from "../../contracts/products.ts";
import type { Held, ProductDocument, Reason } from "./documents.ts";
import { searchFields } from "./search.ts";

/** Condition that matches products on sale. */
export const ON_SALE = { removed_at: null };

let counter = 0;

/**
 * Returns an id in the form of an ObjectId, in ascending order: 12 hex digits of milliseconds, 4 of a counter, 8 random
 * ones.
 */
function newProductId(): string {
	counter = (counter + 1) % 0x10000;
	return hex(Date.now(), 12) + hex(counter, 4) + randomBytes(4).toString("hex");
}

function hex(value: number, digits: number): string {
	return value.toString(16).padStart(digits, "0");
}

/** Returns the document of a new product. */
export function newDocument(
	input: z.output<typeof newProduct>,
	sku?: string,
	described_by: ProductDocument["described_by"] = null,
): ProductDocument {
	const _id = newProductId();
	const now = new Date().toISOString();
	const described = changesOf(input);
	return {
		_id,
		sku: sku ?? _id,
		...described,
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

/** Returns the stored fields of a description, without the stock. */
export function changesOf(input: Omit<z.output<typeof newProduct>, "stock">) {
	const { name, description, price, category, image_url } = input;
	return { name, description, price_minor: toMinor(price), category, image_url: image_url ?? null };
}

/** Fields in the contract. */
export const PRESENTED = [
	"name",
	"description",
	"price_minor",
	"stock",
	"category",
	"image_url",
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
