import type { NatsConnection } from "nats";
import type pg from "pg";
import type { HoldPage, ProductDocument } from "../../services/products/documents.ts";

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

/** Runs a query in a snapshot: all queries of one snapshot see the same state of the database. */
export type Snapshot = <R extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<R[]>;

/** Read access to all data of the shop. */
export interface Sources {
	/** Returns all products, in no particular order. Documents edited by hand may lack any field. */
	products(): AsyncIterable<Stock>;
	/**
	 * Yields the current state of some products on each call, with minimal delay between reads; undefined ends the
	 * iteration early.
	 */
	following(ids: ReadonlySet<string>): AsyncGenerator<Map<string, Stock> | undefined, void>;
	/** Path of the products' file; undefined if the products are in MongoDB. */
	productFile: string | undefined;
	/** Returns the metadata of the products' store. */
	productNotes(): Promise<Record<string, unknown>>;
	snapshot<T>(
		database: "users" | "orders" | "notifications",
		look: (query: Snapshot) => Promise<T>,
	): Promise<T>;
	/**
	 * Returns the position up to which notifications has acknowledged the stream, and its number of unacknowledged
	 * events.
	 */
	consumer(): Promise<{ confirmed: number; unread: number }>;
	/** Returns the number of events that are pending in an outbox, or unacknowledged in the stream. */
	eventsUnderWay(): Promise<number>;
	nats: NatsConnection;
	close(): Promise<void>;
}
