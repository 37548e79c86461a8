import { problem } from "../../contracts/problems.ts";
import { STOCK_MAX } from "../../contracts/products.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import type { ProductDocument } from "./documents.ts";
import { type HoldStore, heldOf } from "./hold-pages.ts";
import { supply } from "./ledger.ts";
import { type Line, sumByProduct } from "./lines.ts";
import { ON_SALE } from "./model.ts";

/**
 * Units of a refunded order go back on sale. The guard is that the product's ledger has no entry of the order yet, so a
 * late duplicate does nothing.
 *
 * @returns The products that got units by this call.
 */
export async function restock(
	store: DocumentAdapter<ProductDocument>,
	order_id: string,
	lines: Line[],
): Promise<string[]> {
	const restocked: string[] = [];
	// Processes of an earlier version look there, and have noted only there.
	const remembered = `restocks.${order_id}`;
	for (const [_id, quantity] of sumByProduct(lines)) {
		const at = new Date().toISOString();
		const isChanged = await supply(
			store,
			_id,
			order_id,
			{ reason: "restock", quantity, at },
			{ [remembered]: { $exists: false } },
			{ [remembered]: at },
		);
		restocked.push(...(isChanged ? [_id] : []));
	}
	return restocked;
}

/** A request of a process that was frozen longer than this is refused: the product may have forgotten the first one. */
const RESTOCK_ASKED_MAX_MS = 60 * 60_000;

/** Throws where a restock was asked for so long ago that it may be a late duplicate of one that is forgotten. */
export function refuseStale(asked_at: string | undefined): void {
	if (asked_at !== undefined && Date.parse(asked_at) < Date.now() - RESTOCK_ASKED_MAX_MS) {
		throw new Error(
			`a restock that was asked for at ${asked_at} comes too late: it has to be asked for again`,
		);
	}
}

/** A change by hand: by some units, or to a value where the stock is the expected one. */
export type StockChange = { quantity: number } | { stock: number; expected: number };

/**
 * Changes the stock by hand, in one guarded update. A repetition of a change that was made finds its entry and changes
 * nothing.
 *
 * @param id Names the entry in the ledger: the same for each repetition of the same request.
 * @returns The stock after it.
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
		const { quantity, stock } = judgeChange(document.stock, units, change);
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
		// Its stock has changed meanwhile.
	}
}

/** How many units come in, and the stock that this is right for. What is held counts: it may come back. */
function judgeChange(stock: number, held: number, change: StockChange) {
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
