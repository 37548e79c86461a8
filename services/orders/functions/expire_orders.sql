-- Expires up to `at_most` orders that are due. Orders locked by another transaction are left to the next sweep. Returns
-- the number of expired orders. Their vouchers are locked before, by id: see lock_payment.sql.
CREATE OR REPLACE FUNCTION expire_orders(allowed text[], target text, event jsonb, stock_task text, at_most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	due uuid[] := ARRAY(
		SELECT id FROM orders WHERE status = 'pending' AND expires_at <= now()
		ORDER BY expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
	);
	expired integer;
BEGIN
	PERFORM FROM voucher_limits
	WHERE id IN (SELECT voucher_limits_id FROM orders WHERE id = ANY (due))
	ORDER BY id FOR NO KEY UPDATE;
	SELECT count(*)::integer INTO expired FROM unnest(due) AS id
	WHERE move_order(id, NULL, allowed, target, 'shop', event, stock_task);
	RETURN expired;
END
$$;
