import type { ResultOf } from "../contracts/actions.ts";

/** A pending order, with the products that hold its units. */
export type PendingOrder = ResultOf<"v1.orders.pending">[number];

/**
 * Looks for a pending order without its hold. An order is pending only after its units are held, and they are held for
 * as long as it is pending. So an order without a hold that is still pending afterwards shows that orders or products
 * was restored from an older copy.
 *
 * @param pendingAmong Returns pending orders: the newest, or those of these reservations.
 * @param findUnheld Returns the reservations that lack the hold of a product.
 * @returns A sentence that names the first such order; undefined if there is none.
 */
export async function unheldOrder(
	pendingAmong: (reservation_ids?: string[]) => Promise<PendingOrder[]>,
	findUnheld: (reservations: Pick<PendingOrder, "reservation_id" | "product_ids">[]) => Promise<string[]>,
): Promise<string | undefined> {
	const pending = await pendingAmong();
	const unheld = pending.length > 0 ? await findUnheld(pending) : [];
	const [order] = unheld.length > 0 ? await pendingAmong(unheld) : [];
	return (
		order &&
		`orders or products was restored from an older copy: order ${order.number} is pending, and products has no units held for it`
	);
}
