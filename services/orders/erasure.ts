import type { Pool } from "pg";
import { SETTLED } from "./states.ts";

/** Erases the personal data in the orders of a deleted user, in each as soon as it is settled. */
export async function eraseUser(pool: Pool, user_id: number): Promise<void> {
	await pool.query("INSERT INTO deleted_users (user_id) VALUES ($1) ON CONFLICT DO NOTHING", [user_id]);
	await pool.query(
		`UPDATE idempotency_keys
		SET answer = jsonb_set(jsonb_set(answer, '{order,shipping_address}', 'null'), '{order,note}', 'null')
		WHERE user_id = $1 AND answer ? 'order'`,
		[user_id],
	);
	await pool.query(erasure("user_id = $2"), [SETTLED, user_id]);
}

/** Job, once an hour: erases addresses and notes in orders of deleted users that have been settled since. */
export async function eraseDeletedUsers(pool: Pool): Promise<void> {
	await pool.query(erasure("user_id = ANY (ARRAY(SELECT user_id FROM deleted_users))"), [SETTLED]);
}

function erasure(condition: string): string {
	return `UPDATE orders SET shipping_address = NULL, note = NULL
		WHERE id IN (
			SELECT id FROM orders
			WHERE ${condition} AND status = ANY ($1)
				AND (shipping_address IS NOT NULL OR note IS NOT NULL)
			-- Two of these at the same moment must not lock the same orders in two sequences.
			ORDER BY id FOR UPDATE
		)`;
}
