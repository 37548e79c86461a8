import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { HoldPage } from "./documents.ts";
import type { HoldStore } from "./hold-pages.ts";

/** Limits on the holds of a product and of a page. */
interface Sizes {
	/** Number of holds above which a product moves its oldest to a page. */
	own_max: number;
	/** Number of newest holds that stay in the product. */
	own_min: number;
	/** Maximum number of holds in a page, reached if orders arrive faster than holds move. */
	page_max: number;
}

export const SIZES: Sizes = { own_max: 60, own_min: 10, page_max: 200 };

/** Pause between two moves of a product, in which reservations can proceed. */
const PAUSE_MS = 5;

/**
 * Begins a page for the oldest holds of a product, if it has many and no other page is being filled. The page does not
 * count yet.
 *
 * @returns The page, for `insertPage`; undefined if there is nothing to move.
 */
export async function beginPage(
	{ products }: HoldStore,
	product_id: string,
	{ own_max, own_min, page_max } = SIZES,
): Promise<HoldPage | undefined> {
	const [product] = await products.find({ query: { _id: product_id }, fields: ["holds", "filling"] });
	if (!product || product.filling || product.holds.length <= own_max) {
		return undefined;
	}
	const size = Math.min(product.holds.length - own_min, page_max);
	const page = {
		...{ _id: randomBytes(9).toString("base64url"), product_id, holds: product.holds.slice(0, size) },
		...{ returned: 0, created_at: new Date().toISOString() },
	};
	const changed = await products.updateMany(
		{ _id: product_id, filling: { $exists: false } },
		{ $set: { filling: { page_id: page._id, since: page.created_at } } },
	);
	return changed > 0 ? page : undefined;
}

/** Inserts the page, for `countPage`. If its product has withdrawn it meanwhile, it is orphaned and will be deleted. */
export async function insertPage({ pages }: HoldStore, page: HoldPage): Promise<void> {
	await pages.insert(page);
}

/**
 * Makes the page count and removes its holds from the product, in one update. The guard is that the page is still being
 * filled and that all of its holds are still in the product: the last of them is at its position. Holds are appended
 * after it, so the removal of one before it would have changed its position.
 *
 * @returns True if the page counts. If not, `withdrawPage` deletes it.
 */
export async function countPage({ products }: HoldStore, page: HoldPage): Promise<boolean> {
	const { _id, product_id, holds } = page;
	const place = `holds.${holds.length - 1}`;
	const { reservation_id, quantity, expires_at } = holds.at(-1) as HoldPage["holds"][number];
	const changed = await products.updateMany(
		{
			...{ _id: product_id, "filling.page_id": _id },
			[`${place}.reservation_id`]: reservation_id,
			[`${place}.quantity`]: quantity,
			[`${place}.expires_at`]: expires_at,
		},
		{
			$pull: { holds: { reservation_id: { $in: holds.map((hold) => hold.reservation_id) } } },
			$set: { [`hold_pages.${_id}`]: 0 },
			$unset: { filling: true },
			$inc: { moves: 1 },
		},
	);
	return changed > 0;
}

/** Withdraws a page that does not count, so that it never will, and deletes it. */
export async function withdrawPage(
	{ products, pages }: HoldStore,
	{ _id, product_id }: Pick<HoldPage, "_id" | "product_id">,
): Promise<void> {
	const changed = await products.updateMany(
		{ _id: product_id, "filling.page_id": _id },
		{ $unset: { filling: true } },
	);
	if (changed > 0) {
		await pages.removeMany({ _id });
	}
}

/** Moves the oldest holds of a product to a page. Returns true if it did. */
export async function moveOldest(store: HoldStore, product_id: string, sizes = SIZES): Promise<boolean> {
	const page = await beginPage(store, product_id, sizes);
	if (!page) {
		return false;
	}
	await insertPage(store, page);
	const isCounted = await countPage(store, page);
	if (!isCounted) {
		await withdrawPage(store, page);
	}
	return isCounted;
}

/** Moves holds in the background, one page of a product at a time. */
export class HoldMover {
	#store: HoldStore;
	#warn: (line: string) => void;
	#moving = new Map<string, Promise<void>>();
	#isStopped = false;

	constructor(store: HoldStore, warn: (line: string) => void) {
		this.#store = store;
		this.#warn = warn;
	}

	/**
	 * Moves the oldest holds of a product until it has few, unless a move is in progress. After an error, the next call
	 * continues.
	 */
	start(product_id: string): void {
		if (this.#isStopped || this.#moving.has(product_id)) {
			return;
		}
		const moving = this.#move(product_id)
			.catch((error: Error) =>
				this.#warn(`Could not move holds of product ${product_id} to a page: ${error.message}`),
			)
			.finally(() => this.#moving.delete(product_id));
		this.#moving.set(product_id, moving);
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		await Promise.all(this.#moving.values());
	}

	async #move(product_id: string): Promise<void> {
		while (!this.#isStopped && (await moveOldest(this.#store, product_id))) {
			await wait(PAUSE_MS);
		}
	}
}
