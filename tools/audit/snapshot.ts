import type { NatsConnection } from "nats";
import type { Database } from "../../contracts/services.ts";
import type { Snapshot } from "../../database/audit.ts";
import type { GroupDocument, HoldPage, ProductDocument } from "../../services/products/documents.ts";

export const FIELDS = [
	"name",
	"stock",
	"supplied",
	"holds",
	"hold_pages",
	"ledger",
	"ledger_sums",
	"restocks",
	"last_sold",
	"sku",
	"price_minor",
	"created_at",
] as const;

/** The fields of a product that the audit reads. */
export interface Stock extends Pick<ProductDocument, "_id" | (typeof FIELDS)[number]> {
	/** The existing pages that the product lists. */
	pages?: HoldPage[];
}

/** The fields of a product that make it a variant. */
export const VARIANT_FIELDS = ["name", "group_id", "options", "variant_key"] as const;

/** A variant as stored. Documents edited by hand may lack any field but the group. */
export type VariantRow = Pick<ProductDocument, "_id" | (typeof VARIANT_FIELDS)[number]>;

/** Everything that the shop keeps, for reading. */
export interface Sources {
	/** Returns all products, in no particular order. Documents edited by hand may lack any field. */
	products(): AsyncIterable<Stock>;
	/** Returns the products on sale that have a group, in no particular order. */
	variants(): AsyncIterable<VariantRow>;
	/** Returns the groups of products, including removed ones. */
	groups(): Promise<GroupDocument[]>;
	/**
	 * Yields the current state of some products on each call, with minimal delay between reads; undefined ends the
	 * iteration early.
	 */
	following(ids: ReadonlySet<string>): AsyncGenerator<Map<string, Stock> | undefined, void>;
	/** Path of the products' file; undefined if the products are in MongoDB. */
	productFile: string | undefined;
	/** Returns the metadata of the products' store. */
	productMetadata(): Promise<Record<string, unknown>>;
	snapshot<T>(database: Database, work: (query: Snapshot) => Promise<T>): Promise<T>;
	/** Acknowledgements of notifications: all events up to `confirmed`, and the number of pending ones. */
	consumer(): Promise<{ confirmed: number; unread: number }>;
	/** Returns the number of events that are pending in an outbox, or unacknowledged in the stream. */
	eventsInProgress(): Promise<number>;
	/** Records the result of an audit, which the running shop reports as metrics. */
	record(duration_seconds: number, breaches: Record<string, number>): Promise<void>;
	nats: NatsConnection;
	close(): Promise<void>;
}
