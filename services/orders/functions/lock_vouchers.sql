-- Returns a batch of orders to place, after it has locked the vouchers of all of them, by id: two batches then never wait
-- for each other in a circle.
CREATE OR REPLACE FUNCTION lock_vouchers(batch jsonb)
RETURNS TABLE (place integer, placed jsonb, lines jsonb, key text, hash text, event json) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM voucher_limits
	WHERE id IN (
		SELECT (item->'placed'->>'voucher_limits_id')::bigint FROM jsonb_array_elements(batch) AS item
		WHERE item->'placed' ? 'voucher_limits_id'
	)
	ORDER BY id FOR NO KEY UPDATE;
	RETURN QUERY
	SELECT * FROM jsonb_to_recordset(batch)
		AS given (place integer, placed jsonb, lines jsonb, key text, hash text, event json);
END
$$;
