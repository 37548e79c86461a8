-- Moves orders whose time is over, some at a time; those that another transaction is about to change are left to the next
-- sweep. Answers how many were moved.
CREATE OR REPLACE FUNCTION expire_orders(allowed text[], target text, event jsonb, stock_task text, at_most integer)
RETURNS integer LANGUAGE sql AS $$
	WITH due AS MATERIALIZED (
		SELECT id FROM orders WHERE status = 'pending' AND expires_at <= now()
		ORDER BY expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	SELECT count(*)::integer FROM due WHERE move_order(id, NULL, allowed, target, 'shop', event, stock_task)
$$;
