import type { Check, Remnant, Snapshot } from "../../database/audit.ts";

/** Carts and their orders; a cart is removed 30 days after it was last touched, its order stays. */
const orders: Check = {
	check: "a cart has one order, with its lines",
	remedy:
		"Compare the cart with its order by the event order.placed, and correct the one that was changed by hand; cancel or refund an order too many.",
	count:
		"SELECT ((SELECT count(*) FROM carts) + (SELECT count(*) FROM orders WHERE cart_id IS NOT NULL))::integer AS rows",
	breaches: `SELECT 'cart ' || c.id, 'was ordered as ' || c.order_id || ', which does not exist'
		FROM carts c WHERE c.order_id IS NOT NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.id = c.order_id)
		UNION ALL
		SELECT 'cart ' || c.id, 'is ' || c.status || ', but has order ' || o.number
		FROM carts c JOIN orders o ON o.cart_id = c.id WHERE c.order_id IS DISTINCT FROM o.id
		UNION ALL
		SELECT 'cart ' || c.id, 'was ordered as order ' || o.number || ', which has another cart'
		FROM carts c JOIN orders o ON o.id = c.order_id WHERE o.cart_id IS DISTINCT FROM c.id
		UNION ALL
		SELECT 'cart ' || cart_id, 'has ' || count(*) || ' orders'
		FROM orders WHERE cart_id IS NOT NULL GROUP BY cart_id HAVING count(*) > 1
		UNION ALL
		SELECT 'cart ' || c.id, 'has other lines than order ' || o.number
		FROM carts c JOIN orders o ON o.id = c.order_id AND o.cart_id = c.id
		WHERE (
			SELECT jsonb_object_agg(i.product_id, i.quantity) FROM cart_items i WHERE i.cart_id = c.id
		) IS DISTINCT FROM (
			SELECT jsonb_object_agg(l.product_id, l.quantity) FROM order_lines l WHERE l.order_id = o.id
		)`,
};

const states: Check = {
	check: "a user has one open cart",
	remedy:
		"Set the carts but one to `merged`, with `merged_into` that one, after moving the items; a cart in another state was changed by hand.",
	count: "SELECT count(*)::integer AS rows FROM carts",
	breaches: `SELECT 'user ' || user_id, 'has ' || count(*) || ' open carts'
		FROM carts WHERE status = 'open' AND user_id IS NOT NULL GROUP BY user_id HAVING count(*) > 1
		UNION ALL
		SELECT 'cart ' || id, 'is ' || status || CASE
			WHEN order_id IS NOT NULL THEN ' and has an order'
			WHEN merged_into IS NOT NULL THEN ' and was merged'
			ELSE ' without its order or cart'
		END
		FROM carts
		WHERE status NOT IN ('open', 'ordered', 'merged')
			OR (status = 'ordered') <> (order_id IS NOT NULL) OR (status = 'merged') <> (merged_into IS NOT NULL)
		UNION ALL
		SELECT 'cart ' || c.id, 'was merged into ' || m.id || ', which belongs to no user'
		FROM carts c JOIN carts m ON m.id = c.merged_into WHERE m.user_id IS NULL
		UNION ALL
		SELECT 'an item of cart ' || i.cart_id, 'belongs to no cart'
		FROM cart_items i WHERE NOT EXISTS (SELECT FROM carts c WHERE c.id = i.cart_id)`,
};

/** Checks of carts. */
export const cartChecks: Check[] = [orders, states];

/**
 * Finds carts of deleted users. One that was begun at the moment of the deletion is removed within the hour.
 *
 * @param swept SQL expression: the moment up to which the hourly job has removed those of deleted user `d`, or should have.
 */
export function cartRemnants(query: Snapshot, user_ids: number[], swept: string): Promise<Remnant[]> {
	return query(
		`SELECT 'cart ' || c.id AS document, 'belongs to user ' || c.user_id || ', who was deleted' AS what
		FROM carts c JOIN deleted_users d USING (user_id)
		WHERE c.user_id = ANY ($1) AND c.created_at < ${swept}`,
		[user_ids],
	);
}
