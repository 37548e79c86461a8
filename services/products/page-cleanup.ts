import type { HoldPage, ProductDocument } from "./documents.ts";
import { collect, findMissing, type HoldStore, type MissingPage } from "./hold-pages.ts";
import { withdrawPage } from "./hold-paging.ts";

/** Age of a page being filled after which its process must have died. */
const FILLING_MS = 60_000;
/** Age after which an unlisted page is deleted; it could not have counted any more before. */
const UNLISTED_MS = 2 * 60_000;

/** Result of a cleanup. */
interface CleanupResult {
	/** Products whose stock has increased. */
	collected: string[];
	/** Listed pages that do not exist; empty if they were not looked for. */
	missing: MissingPage[];
}

/**
 * Cleans up the pages of processes that died: pages being filled, orphaned pages, units not collected, and empty pages.
 *
 * @param isMissingDue Whether to look for missing pages, which reads every product that ever had a page.
 */
export async function cleanUpPages(
	store: HoldStore,
	now = Date.now(),
	isMissingDue = true,
): Promise<CleanupResult> {
	// The lower bound is for the server for development: without one, it reads all products that lack the field.
	const stale = { "filling.since": { $gt: "", $lt: new Date(now - FILLING_MS).toISOString() } };
	for (const { _id, filling } of await store.products.find({ query: stale, fields: ["filling"] })) {
		await withdrawPage(store, { _id: (filling as Filling).page_id, product_id: _id });
	}
	const collected = new Set<string>();
	const empty = await store.pages.find({ query: { holds: { $size: 0 } }, fields: ["product_id"] });
	const empty_ids = new Set(empty.map(({ _id }) => _id));
	for await (const pages of store.pages.inBatches({}, ["product_id", "returned", "created_at"])) {
		// Read after the pages: a page that is not listed now was removed from the list, or will never be on it.
		const product_ids = [...new Set(pages.map(({ product_id }) => product_id))];
		const fields = ["hold_pages", "filling"] as const;
		const products = new Map(
			(await store.products.find({ query: { _id: { $in: product_ids } }, fields })).map((product) => [
				product._id,
				product,
			]),
		);
		for (const page of pages) {
			const product = products.get(page.product_id);
			const listed = product?.hold_pages?.[page._id];
			if (listed !== undefined && (page.returned > listed || empty_ids.has(page._id))) {
				if ((await collect(store, page.product_id, [page._id])) > 0) {
					collected.add(page.product_id);
				}
			} else if (
				product &&
				listed === undefined &&
				product.filling?.page_id !== page._id &&
				isOld(page, now)
			) {
				await store.pages.removeMany({ _id: page._id });
			}
		}
	}
	return { collected: [...collected], missing: isMissingDue ? await findAllMissing(store) : [] };
}

type Filling = NonNullable<ProductDocument["filling"]>;

function isOld({ created_at }: Pick<HoldPage, "created_at">, now: number): boolean {
	return created_at < new Date(now - UNLISTED_MS).toISOString();
}

async function findAllMissing(store: HoldStore): Promise<MissingPage[]> {
	const missing: MissingPage[] = [];
	for await (const products of store.products.inBatches({ moves: { $gt: 0 } }, ["hold_pages"])) {
		missing.push(...(await findMissing(store, products)));
	}
	return missing;
}
