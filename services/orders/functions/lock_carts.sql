-- Locks the carts of a batch of orders to place, by id, so that two batches never wait for each other in a circle. Returns
-- the batch, for lock_vouchers(): a cart is always locked before a voucher.
CREATE OR REPLACE FUNCTION lock_carts(batch jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM carts
	WHERE id IN (
		SELECT (item->'placed'->'cart'->>'id')::uuid FROM jsonb_array_elements(batch) AS item
		WHERE item->'placed' ? 'cart'
	)
	ORDER BY id FOR NO KEY UPDATE;
	RETURN batch;
END
$$;
