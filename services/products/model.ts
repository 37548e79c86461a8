import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import type { newProduct, product } from "../../contracts/products.ts";
import type { LedgerEntry, Reason } from "./ledger.ts";
import { searchFields } from "./search.ts";

/** Units kept for an order that is not paid yet. */
export interface Hold {
	reservation_id: string;
	/** The same for all attempts that have one Idempotency-Key; absent without a key. */
	request_id?: string;
	quantity: number;
	/** ISO 8601; after this the sweeper asks orders about it. */
	expires_at: string;
}

/**
 * Older holds of a product, which lie in a document of their own so that the product stays small: see hold-pages.ts. They
 * count while the product lists the page.
 */
export interface HoldPage {
	_id: string;
	product_id: string;
	holds: Hold[];
	/** Units of its holds that were released, ever. */
	returned: number;
	/** As that of a product, which takes it over when the page is empty. */
	last_sold?: Sale;
	/** ISO 8601 */
	created_at: string;
}

/** The reservation that was sold last, and when (ISO 8601): orders has it, or was restored from an older copy. */
export interface Sale {
	reservation_id: string;
	at: string;
}

/**
 * A product as it is stored. At rest, with `sold` counted from the orders that were paid:
 * `supplied = stock + held + sold`.
 */
export interface ProductDocument {
	_id: string;
	/** The shop's own key; the id where the product did not come from a catalogue. */
	sku: string;
	name: string;
	description: string;
	/** In the currency's smallest unit. */
	price_minor: number;
	/** Units on sale. */
	stock: number;
	/**
	 * Units that ever came in: the first stock, every change by hand and what came back from refunded orders. At any
	 * moment the sum of `ledger` and `ledger_sums`.
	 */
	supplied: number;
	/** Changes of `supplied` by an id that none is made twice with, those of a restock by its order. Absent before the first. */
	ledger?: Record<string, LedgerEntry>;
	/** The first stock and older changes, summed. Absent in what an earlier version has written. */
	ledger_sums?: Partial<Record<Reason, number>>;
	/** The newest ones, or all where it has few. */
	holds: Hold[];
	/** Its pages of older holds by their ids, each with those of its returned units that are back in `stock`. */
	hold_pages?: Record<string, number>;
	/** The page that holds are being copied to since then (ISO 8601): it does not count yet. */
	filling?: { page_id: string; since: string };
	/** How often holds have moved to a page. */
	moves?: number;
	/** The orders whose units came back, and when, for processes of an earlier version, which know no ledger. */
	restocks?: Record<string, string>;
	last_sold?: Sale;
	category: string;
	/** What it is found and ordered by: see search.ts. */
	words: string[];
	price_key: string;
	name_key: string;
	/** By which version of that. */
	described_as: number;
	image_url: string | null;
	created_at: string;
	updated_at: string;
	/** The line of the catalogue file (SHA-256) that last described it. */
	described_by: { file: string; line: number } | null;
	/** Set when the product was taken out of the shop. */
	removed_at: string | null;
	/** Names the request that took it out, where that came with an `Idempotency-Key`. */
	removed_by?: string | null;
}

/** What is held of a product, pages included. */
export interface Held {
	/** Units, with those that are not back in the stock yet. */
	units: number;
	holds: number;
}

/** Matches what the shop shows. */
export const ON_SALE = { removed_at: null };

let made = 0;

/** In the shape of an ObjectId, later ids after earlier ones: 12 hex digits of milliseconds, 4 of a counter, 8 of chance. */
export function newProductId(): string {
	made = (made + 1) % 0x10000;
	return hex(Date.now(), 12) + hex(made, 4) + randomBytes(4).toString("hex");
}

function hex(value: number, digits: number): string {
	return value.toString(16).padStart(digits, "0");
}

/** The document of a new product. */
export function newDocument(
	given: z.output<typeof newProduct>,
	sku?: string,
	described_by: ProductDocument["described_by"] = null,
): ProductDocument {
	const _id = newProductId();
	const now = new Date().toISOString();
	const described = changesOf(given);
	return {
		_id,
		sku: sku ?? _id,
		...described,
		...searchFields({ _id, ...described }),
		stock: given.stock,
		supplied: given.stock,
		// Nothing can repeat it: the document is inserted once.
		ledger_sums: { [described_by ? "import" : "create"]: given.stock },
		holds: [],
		created_at: now,
		updated_at: now,
		described_by,
		removed_at: null,
	};
}

/** The stored fields of what a shopkeeper describes, without the stock. */
export function changesOf(given: Omit<z.output<typeof newProduct>, "stock">) {
	const { name, description, price, category, image_url } = given;
	return { name, description, price_minor: toMinor(price), category, image_url: image_url ?? null };
}

/** The fields that the contract shows. */
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

/** A product as the contract shows it. */
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

/** The stock of a product as the operator sees it. */
export function presentStock({ _id, sku, name, stock, supplied }: ProductDocument, held: Held) {
	return { id: _id, sku, name, stock, held: held.units, supplied, holds: held.holds };
}

/** Where the units of a product come from, as the operator sees it: the sums first, then the entries as they came. */
export function presentLedger({ _id, sku, name, supplied, ledger = {}, ledger_sums = {} }: ProductDocument) {
	const sums = Object.entries(ledger_sums).map(([reason, quantity]) => ({
		...{ at: null, reason: reason as Reason, quantity, by: null, id: null },
	}));
	const entries = Object.entries(ledger)
		.map(([id, { at, reason, quantity, by = null }]) => ({ at, reason, quantity, by, id }))
		.sort((one, other) => (one.at < other.at ? -1 : 1));
	return { id: _id, sku, name, supplied, entries: [...sums, ...entries] };
}
