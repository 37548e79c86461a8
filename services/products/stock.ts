import { problem } from "../../contracts/problems.ts";
import { STOCK_MAX } from "../../contracts/product-schemas.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import type { ProductDocument } from "./documents.ts";
import { type HoldStore, heldOf } from "./hold-pages.ts";
import { supply } from "./ledger.ts";
import { type Line, sumByProduct } from "./lines.ts";
import { ON_SALE } from "./model.ts";

/**
 * Puts refunded units back on sale. The guard is that the product's ledger has no entry of the restock yet, so a late
 * duplicate has no effect.
 *
 * @param id Id of the refund, or of the order that was refunded as a whole.
 * @returns The products whose stock this call has increased.
 */
export async function restock(
	store: DocumentAdapter<ProductDocument>,
	id: string,
	lines: Line[],
): Promise<string[]> {
	const restocked: string[] = [];
	// Processes of an earlier version read and write only this.
	const restockField = `restocks.${id}`;
	for (const [_id, quantity] of sumByProduct(lines)) {
		const at = new Date().toISOString();
		const isChanged = await supply(
			store,
			_id,
			id,
			{ reason: "restock", quantity, at },
			{ [restockField]: { $exists: false } },
			{ [restockField]: at },
		);
		restocked.push(...(isChanged ? [_id] : []));
	}
	return restocked;
}

/**
 * Maximum age of a restock request. An older one, of a process that was frozen, may duplicate one that has been folded.
 */
const RESTOCK_ASKED_MAX_MS = 60 * 60_000;

/**
 * Rejects a restock request that may be a late duplicate of a folded one.
 *
 * @throws Error
 */
export function refuseStale(asked_at: string | undefined): void {
	if (asked_at !== undefined && Date.parse(asked_at) < Date.now() - RESTOCK_ASKED_MAX_MS) {
		throw new Error(`the restock requested at ${asked_at} is too old: it must be requested again`);
	}
}

/** A manual change of stock: by a number of units, or to a value if the stock is the expected one. */
export type StockChange = { quantity: number } | { stock: number; expected: number };

/**
 * Changes the stock manually, in one guarded update. A repetition finds its entry and changes nothing.
 *
 * @param id Id of the entry in the ledger: the same for each repetition of the same request.
 * @returns The stock after the change.
 * @throws PRODUCT_NOT_FOUND, STOCK_WOULD_BE_NEGATIVE, STOCK_TOO_LARGE, STOCK_DIFFERS
 */
export async function changeStock(
	store: HoldStore,
	_id: string,
	change: StockChange,
	id: string,
	by: string,
): Promise<number> {
	for (;;) {
		const found = await store.products.findOne({ _id });
		if (found?.ledger?.[id]) {
			return found.stock;
		}
		if (!found || found.removed_at !== null) {
			throw problem("PRODUCT_NOT_FOUND");
		}
		const { document, units } = await heldOf(store, found);
		const { quantity, stock } = checkChange(document.stock, units, change);
		const at = new Date().toISOString();
		const isChanged = await supply(
			store.products,
			_id,
			id,
			{ reason: "admin", quantity, at, by },
			{ ...ON_SALE, stock },
			{ updated_at: at },
		);
		if (isChanged) {
			return (await store.products.findOne({ _id }))?.stock ?? 0;
		}
		// The stock has changed meanwhile.
	}
}

/**
 * Returns the number of units to add, and a condition on the stock. Held units count towards the maximum, since they
 * may come back.
 */
function checkChange(stock: number, held: number, change: StockChange) {
	const quantity = "stock" in change ? change.stock - change.expected : change.quantity;
	if ("stock" in change && stock !== change.expected) {
		throw problem("STOCK_DIFFERS", { stock, expected: change.expected });
	}
	if (quantity < 0 && stock + quantity < 0) {
		throw problem("STOCK_WOULD_BE_NEGATIVE", { stock });
	}
	if (quantity > 0 && stock + held + quantity > STOCK_MAX) {
		throw problem("STOCK_TOO_LARGE", { max: STOCK_MAX });
	}
	if ("stock" in change) {
		return { quantity, stock: change.expected };
	}
	return { quantity, stock: quantity < 0 ? { $gte: -quantity } : { $lte: STOCK_MAX - held - quantity } };
}
