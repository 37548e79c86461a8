-- Returns why a cart cannot be ordered or changed: the problem's code and data; null if it can. Locks the cart, so that
-- this stays so until the transaction ends.
--
-- read_version: the version to order; null for a change, which applies to any.
-- placed_id: an order of a cart that it has itself is not refused: the unique id of the order decides.
CREATE OR REPLACE FUNCTION refuse_cart(refused_id uuid, read_version integer, placed_id uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	cart carts;
BEGIN
	SELECT * INTO cart FROM carts WHERE id = refused_id FOR NO KEY UPDATE;
	RETURN CASE
		WHEN cart.id IS NULL THEN '{"code": "CART_NOT_FOUND", "data": {}}'::jsonb
		WHEN cart.order_id = placed_id THEN NULL
		WHEN cart.status = 'ordered'
		THEN jsonb_build_object('code', 'CART_ORDERED', 'data', jsonb_build_object('order_id', cart.order_id))
		WHEN cart.status = 'merged'
		THEN jsonb_build_object('code', 'CART_MERGED', 'data', jsonb_build_object('cart_id', cart.merged_into))
		WHEN cart.version <> read_version THEN '{"code": "CART_CHANGED", "data": {}}'::jsonb
	END;
END
$$;
