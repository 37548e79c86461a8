import type { NatsConnection } from "nats";
import type { Database } from "../../contracts/services.ts";
import type { Snapshot } from "../../database/audit.ts";
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

/** What the audit needs to know of a product. */
export interface Stock extends Pick<ProductDocument, "_id" | (typeof FIELDS)[number]> {
	/** The pages that it lists and that are there. */
	pages?: HoldPage[];
}

/** Everything that the shop keeps, for reading. */
export interface Sources {
	/** All products, in no order. Documents that were changed by hand may lack anything. */
	products(): AsyncIterable<Stock>;
	/** The present state of some products at each call, as close together as can be; undefined ends it early. */
	following(ids: ReadonlySet<string>): AsyncGenerator<Map<string, Stock> | undefined, void>;
	/** Where the products are in a file: which one. */
	productFile: string | undefined;
	/** Notes of the products' store about itself. */
	productNotes(): Promise<Record<string, unknown>>;
	snapshot<T>(database: Database, look: (query: Snapshot) => Promise<T>): Promise<T>;
	/** What notifications has acknowledged of the stream: all up to `confirmed`, and how many are still to come. */
	consumer(): Promise<{ confirmed: number; unread: number }>;
	/** How many events are in an outbox, or in the stream and not acknowledged. */
	eventsUnderWay(): Promise<number>;
	nats: NatsConnection;
	close(): Promise<void>;
}
