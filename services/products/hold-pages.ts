import type { DocumentAdapter } from "../../database/document-store.ts";
import type { Held, Hold, HoldPage, ProductDocument, Sale } from "./documents.ts";

// The newest holds of a product are in its document, older ones in pages. Every read and write of the product copies
// its document, which therefore has to stay small however many orders are pending. Holds move to a page and never back
// (hold-paging.ts), and no other holds are added to a page. It counts from the update that removes its holds from the
// product to the one that removes the empty page from the product's list. docs/explanation/orders.md explains why no
// concurrent steps lose a hold.

/** The two collections that contain holds. */
export interface HoldStore {
	products: DocumentAdapter<ProductDocument>;
	pages: DocumentAdapter<HoldPage>;
}

/**
 * Returns a guard: no hold has moved to a page since the product was read, so the holds found in its pages are
 * complete.
 */
export function unmoved({ moves }: Pick<ProductDocument, "moves">): object {
	return { moves: moves ?? { $exists: false } };
}

/** Returns the ids of the pages that count. */
export function pageIds({ hold_pages = {} }: Pick<ProductDocument, "hold_pages">): string[] {
	return Object.keys(hold_pages);
}

/** Adds to products the holds in their pages that have one of these ids. */
export async function addMoved(
	{ pages }: HoldStore,
	documents: Iterable<Pick<ProductDocument, "_id" | "holds" | "hold_pages">>,
	{ reservation_ids, request_ids }: { reservation_ids: string[]; request_ids: string[] },
): Promise<void> {
	const paged = new Map<string, Pick<ProductDocument, "_id" | "holds" | "hold_pages">>();
	for (const document of documents) {
		if (pageIds(document).length > 0) {
			paged.set(document._id, document);
		}
	}
	if (paged.size === 0) {
		return;
	}
	// Two queries, because NeDB uses its index for one field only.
	const found = await Promise.all([
		pages.find({ query: { "holds.reservation_id": { $in: reservation_ids } } }),
		request_ids.length > 0 ? pages.find({ query: { "holds.request_id": { $in: request_ids } } }) : [],
	]);
	const ids = new Set([...reservation_ids, ...request_ids]);
	for (const page of new Map(found.flat().map((page) => [page._id, page])).values()) {
		const document = paged.get(page.product_id);
		if (document?.hold_pages?.[page._id] !== undefined) {
			document.holds.push(
				...page.holds.filter((hold) => ids.has(hold.reservation_id) || ids.has(hold.request_id ?? "")),
			);
		}
	}
}

/** Returns the matching pages that count. Pages being filled do not: their holds are still in the product. */
export async function findCounted({ products, pages }: HoldStore, query: object): Promise<HoldPage[]> {
	const found = await pages.find({ query });
	if (found.length === 0) {
		return [];
	}
	const product_ids = [...new Set(found.map(({ product_id }) => product_id))];
	const listing = await products.find({ query: { _id: { $in: product_ids } }, fields: ["hold_pages"] });
	const listed = new Set(listing.flatMap(pageIds));
	return found.filter(({ _id }) => listed.has(_id));
}

/**
 * Returns the held units of a product, including its pages, and the product that they belong to: its `stock` and these
 * units are all that is not sold. Each hold counts once even if its page changes after the product was read: as held,
 * as released and not collected, or as sold. If a page is gone, the product is read again.
 */
export async function heldOf(
	{ products, pages }: HoldStore,
	document: ProductDocument,
): Promise<Held & { document: ProductDocument }> {
	const ids = pageIds(document);
	const found = ids.length > 0 ? await pages.find({ query: { _id: { $in: ids } } }) : [];
	if (found.length < ids.length) {
		const later = await products.findOne({ _id: document._id });
		if (later && isAnyUnlisted(later, missingOf(ids, found))) {
			return heldOf({ products, pages }, later);
		}
	}
	const uncollected = found.reduce((sum, page) => sum + page.returned - collectedOf(document, page), 0);
	const holds = [document, ...found].flatMap((place) => place.holds);
	return { document, units: unitsOf(holds) + uncollected, holds: holds.length };
}

/** Returns the sum of the units of holds. */
export function unitsOf(holds: Pick<Hold, "quantity">[]): number {
	return holds.reduce((sum, { quantity }) => sum + quantity, 0);
}

function missingOf(ids: string[], found: Pick<HoldPage, "_id">[]): string[] {
	const existing = new Set(found.map(({ _id }) => _id));
	return ids.filter((id) => !existing.has(id));
}

function isAnyUnlisted({ hold_pages = {} }: Pick<ProductDocument, "hold_pages">, ids: string[]): boolean {
	return ids.some((id) => hold_pages[id] === undefined);
}

function collectedOf({ hold_pages = {} }: Pick<ProductDocument, "hold_pages">, { _id }: HoldPage): number {
	return hold_pages[_id] ?? 0;
}

/** A page that a product lists but that does not exist: its holds are lost. */
export interface MissingPage {
	product_id: string;
	page_id: string;
}

/** Returns the pages that these products list but that do not exist. */
export async function findMissing(
	{ products, pages }: HoldStore,
	documents: Pick<ProductDocument, "_id" | "hold_pages">[],
): Promise<MissingPage[]> {
	const listed = documents.flatMap((document) =>
		pageIds(document).map((page_id) => ({ product_id: document._id, page_id })),
	);
	if (listed.length === 0) {
		return [];
	}
	const ids = listed.map(({ page_id }) => page_id);
	const found = await pages.find({ query: { _id: { $in: ids } }, fields: ["product_id"] });
	const missing_ids = new Set(missingOf(ids, found));
	const missing = listed.filter(({ page_id }) => missing_ids.has(page_id));
	if (missing.length === 0) {
		return [];
	}
	// An empty page may have been removed meanwhile.
	const product_ids = [...new Set(missing.map(({ product_id }) => product_id))];
	const later = await products.find({ query: { _id: { $in: product_ids } }, fields: ["hold_pages"] });
	const listed_ids = new Set(later.flatMap(pageIds));
	return missing.filter(({ page_id }) => listed_ids.has(page_id));
}

/**
 * Moves the units released in pages back into the stock, and removes empty pages from the list, in one update of the
 * product. The guard is the number of units collected of each page before, and the last sale if that of a page replaces
 * it.
 *
 * @returns Number of units moved back.
 */
export async function collect(
	{ products, pages }: HoldStore,
	product_id: string,
	page_ids: string[],
): Promise<number> {
	for (;;) {
		const [product] = await products.find({
			query: { _id: product_id },
			fields: ["hold_pages", "last_sold"],
		});
		const listed = page_ids.filter((id) => product?.hold_pages?.[id] !== undefined);
		if (!product || listed.length === 0) {
			return 0;
		}
		const found = await pages.find({ query: { _id: { $in: listed } } });
		const open = found.filter((page) => page.holds.length > 0 && page.returned > collectedOf(product, page));
		const empty = found.filter(
			(page) => page.holds.length === 0 && page.returned >= collectedOf(product, page),
		);
		const due = [...open, ...empty];
		if (due.length === 0) {
			return 0;
		}
		const units = due.reduce((sum, page) => sum + page.returned - collectedOf(product, page), 0);
		const sale = newestOf([product, ...empty]);
		const isSaleNewer = sale !== product.last_sold;
		const changed = await products.updateMany(
			{
				_id: product_id,
				...Object.fromEntries(due.map((page) => [listing(page), collectedOf(product, page)])),
				...(isSaleNewer ? { last_sold: product.last_sold ?? { $exists: false } } : {}),
			},
			withoutEmpty({
				$inc: units > 0 ? { stock: units } : {},
				$set: {
					...Object.fromEntries(open.map((page) => [listing(page), page.returned])),
					...(isSaleNewer ? { last_sold: sale } : {}),
				},
				$unset: Object.fromEntries(empty.map((page) => [listing(page), true])),
			}),
		);
		if (changed > 0) {
			if (empty.length > 0) {
				await pages.removeMany({ _id: { $in: empty.map(({ _id }) => _id) }, holds: { $size: 0 } });
			}
			return units;
		}
		// Another process has collected units, or sold some, meanwhile.
	}
}

function listing({ _id }: HoldPage): string {
	return `hold_pages.${_id}`;
}

function newestOf(holders: { last_sold?: Sale }[]): Sale | undefined {
	return holders
		.flatMap(({ last_sold }) => last_sold ?? [])
		.reduce<Sale | undefined>((newest, sale) => (newest && newest.at >= sale.at ? newest : sale), undefined);
}

/** A MongoDB server rejects operators without fields. */
function withoutEmpty(update: Record<string, object>): object {
	return Object.fromEntries(Object.entries(update).filter(([, fields]) => Object.keys(fields).length > 0));
}
