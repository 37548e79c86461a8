import type { ResultOf } from "../contracts/actions.ts";

/** A pending order, and the products that hold its units. */
export type PendingOrder = ResultOf<"v1.orders.pending">[number];

/**
 * Looks for a pending order without its hold. An order is pending only after its units are held, and they are held until
 * it is something else; so one that has no hold and is still pending afterwards says that orders or products was restored
 * from an older copy.
 *
 * @param pendingAmong Pending orders, the newest or those of these reservations.
 * @param findUnheld Which of these reservations lack the hold of a product.
 * @returns A sentence that names the first such order, undefined where there is none.
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
