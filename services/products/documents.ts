import type { z } from "zod";
import type { supplyReason } from "../../contracts/products.ts";

export type Reason = z.output<typeof supplyReason>;

/** One change of `supplied`, made by the update that notes it. */
export interface LedgerEntry {
	reason: Reason;
	quantity: number;
	/** ISO 8601. */
	at: string;
	/** Who asked, such as `admin:7`. */
	by?: string;
}

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
