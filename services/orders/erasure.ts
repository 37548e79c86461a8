import type { Pool } from "pg";
import { SETTLED } from "./states.ts";

/** Removes the carts of a deleted user, and erases the personal data in the orders, in each as soon as it is settled. */
export async function eraseUser(pool: Pool, user_id: number): Promise<void> {
	await pool.query("INSERT INTO deleted_users (user_id) VALUES ($1) ON CONFLICT DO NOTHING", [user_id]);
	await pool.query(
		`UPDATE idempotency_keys
		SET answer = answer || jsonb_build_object(
			'order', answer->'order' || '{"shipping_address": null, "note": null, "address": null}'
		)
		WHERE user_id = $1 AND answer ? 'order'`,
		[user_id],
	);
	await removeCarts(pool, "user_id = $1", [user_id]);
	await erase(pool, "user_id = $2", [SETTLED, user_id]);
}

/**
 * Job, once an hour: erases addresses, notes, tracking numbers and reasons of refunds in orders of deleted users that have been
 * settled since, and removes carts that were begun while their users were deleted.
 */
export async function eraseDeletedUsers(pool: Pool): Promise<void> {
	const isDeleted = "user_id = ANY (ARRAY(SELECT user_id FROM deleted_users))";
	await removeCarts(pool, isDeleted);
	await erase(pool, isDeleted, [SETTLED]);
}

async function removeCarts(pool: Pool, condition: string, values: unknown[] = []): Promise<void> {
	await pool.query(
		`DELETE FROM carts WHERE id IN (SELECT id FROM carts WHERE ${condition} ORDER BY id FOR UPDATE)`,
		values,
	);
}

/** Numbering takes the locks of foreign keys of orders and refunds, in the sequence of their numbers: this one lets them pass. */
const LOCK = "FOR NO KEY UPDATE";

async function erase(pool: Pool, condition: string, values: unknown[]): Promise<void> {
	await pool.query(
		`UPDATE orders SET shipping_address = NULL, note = NULL, address = NULL, tracking_number = NULL
		WHERE id IN (
			SELECT id FROM orders
			WHERE ${condition} AND status = ANY ($1) AND (
				shipping_address IS NOT NULL OR note IS NOT NULL OR address IS NOT NULL OR tracking_number IS NOT NULL
			)
			-- Two of these at the same moment must not lock the same orders in two sequences.
			ORDER BY id ${LOCK}
		)`,
		values,
	);
	await pool.query(
		`UPDATE refunds SET reason = NULL WHERE id IN (
			SELECT r.id FROM refunds r JOIN orders o ON o.id = r.order_id
			WHERE r.reason IS NOT NULL AND o.${condition} AND o.status = ANY ($1)
			ORDER BY r.id ${LOCK} OF r
		)`,
		values,
	);
}
