-- Expires up to `at_most` orders that are due. Orders locked by another transaction are left to the next sweep. Returns
-- the number of expired orders.
CREATE OR REPLACE FUNCTION expire_orders(allowed text[], target text, event jsonb, stock_task text, at_most integer)
RETURNS integer LANGUAGE sql AS $$
	WITH due AS MATERIALIZED (
		SELECT id FROM orders WHERE status = 'pending' AND expires_at <= now()
		ORDER BY expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	SELECT count(*)::integer FROM due WHERE move_order(id, NULL, allowed, target, 'shop', event, stock_task)
$$;
