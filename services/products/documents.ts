import type { z } from "zod";
import type { supplyReason } from "../../contracts/product-schemas.ts";

export type Reason = z.output<typeof supplyReason>;

/** A change of `supplied`, written by the same update. */
export interface LedgerEntry {
	reason: Reason;
	quantity: number;
	/** ISO 8601. */
	at: string;
	/** The actor, such as `admin:7`. */
	by?: string;
}

/** Units reserved for a pending order. */
export interface Hold {
	reservation_id: string;
	/** Shared by all attempts with the same Idempotency-Key; absent without a key. */
	request_id?: string;
	quantity: number;
	/** ISO 8601; afterwards the sweeper asks orders about the hold. */
	expires_at: string;
}

/**
 * A page of older holds of a product, in a document of its own so that the product stays small: see hold-pages.ts. The
 * holds count while the product lists the page.
 */
export interface HoldPage {
	_id: string;
	product_id: string;
	holds: Hold[];
	/** Total units of its released holds. */
	returned: number;
	/** As in a product, which takes it over when the page is empty. */
	last_sold?: Sale;
	/** ISO 8601. */
	created_at: string;
}

/**
 * The last sold reservation and its time (ISO 8601). If orders does not know it, orders was restored from an older
 * copy.
 */
export interface Sale {
	reservation_id: string;
	at: string;
}

/**
 * A product as stored. When nothing is in flight, `supplied = stock + held + sold`, where `sold` is the sum of the paid
 * orders.
 */
export interface ProductDocument {
	_id: string;
	/** Key of the shop's own catalogue; the id if the product was not imported. */
	sku: string;
	name: string;
	description: string;
	/** In minor units of the currency. */
	price_minor: number;
	/** Units on sale. */
	stock: number;
	/**
	 * Total units ever supplied: the initial stock, all manual changes, and restocks from refunded orders. Always equals
	 * the sum of `ledger` and `ledger_sums`.
	 */
	supplied: number;
	/**
	 * Changes of `supplied` by an id that prevents a repetition; for a restock, the id of its order or refund. Absent
	 * before the first.
	 */
	ledger?: Record<string, LedgerEntry>;
	/** Sums of the initial stock and older changes, by reason. Absent in products of an earlier version. */
	ledger_sums?: Partial<Record<Reason, number>>;
	/** The newest holds, or all if there are few. */
	holds: Hold[];
	/** Pages of older holds by id, each with the number of its returned units that are already back in `stock`. */
	hold_pages?: Record<string, number>;
	/** The page that holds are currently copied to, and since when (ISO 8601). It does not count yet. */
	filling?: { page_id: string; since: string };
	/** Number of times that holds have moved to a page. */
	moves?: number;
	/** Restocked orders and refunds and their times, for processes of an earlier version, which has no ledger. */
	restocks?: Record<string, string>;
	last_sold?: Sale;
	category: string;
	/** Fields for search and order: see search.ts. */
	words: string[];
	price_key: string;
	name_key: string;
	/** Version of the search fields. */
	described_as: number;
	/** The first picture; processes of an earlier version know no others. */
	image_url: string | null;
	/** The other pictures. They count only if there is a first one. */
	other_image_urls?: string[];
	/** Grams of a unit. This and the following fields are absent in products of an earlier version. */
	weight_g?: number;
	requires_shipping?: boolean;
	/** In minor units of the currency. */
	compare_at_price_minor?: number | null;
	/** The group of which the product is a variant. Null in products that an earlier version has taken out of one. */
	group_id?: string | null;
	/** Names and values. In a group, the names are those of the group. */
	options?: Option[] | null;
	/** The group and the options in the form in which they are compared, by which no other product has them. */
	variant_key?: string;
	created_at: string;
	updated_at: string;
	/** The line of the catalogue file (SHA-256) that last described the product. */
	described_by: { file: string; line: number } | null;
	/** Set when the product was removed from the shop. */
	removed_at: string | null;
	/** Id of the request that removed it, if it had an `Idempotency-Key`. */
	removed_by?: string | null;
}

/** Name and value of an option. A list of pairs, since field names of documents may not have a dot. */
export type Option = [name: string, value: string];

/** Collection of the groups, beside the products. */
export const PRODUCT_GROUPS = "product_groups";

/** A group of products that differ in options. */
export interface GroupDocument {
	_id: string;
	/** The shop's own key in catalogue files; absent unless an import created the group. */
	key?: string;
	name: string;
	description: string;
	category: string;
	/** Names of the options. */
	options: string[];
	/** Id of the request that created it, if it had an `Idempotency-Key`. */
	made_by?: string;
	created_at: string;
	updated_at: string;
	/** Set when the group was removed from the shop. */
	removed_at: string | null;
	/** Id of the request that removed it, if it had an `Idempotency-Key`. */
	removed_by?: string | null;
	/** Time since when products may have to leave the group, because it was removed or has other options: see groups.ts. */
	leaving_since?: string;
}

/** Held units of a product, including its pages. */
export interface Held {
	/** Units, including those that are not yet back in the stock. */
	units: number;
	holds: number;
}
