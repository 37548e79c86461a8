-- Adds the items of a guest's cart to a user's open cart, once: the guest's cart is `merged` after that. Returns null, or
-- the problem's code and data, with nothing changed. A line of both keeps the place and the seen price of the user's cart.
-- Both are locked by id, so that two of these never wait for each other in a circle.
--
-- Returns CART_CHANGED if the user's cart is not open any more, and null if the guest's cart was merged by this user before.
CREATE OR REPLACE FUNCTION merge_carts(
	guest_id uuid, target_id uuid, lines_max integer, quantity_max integer
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	guest carts;
	target carts;
	refused jsonb;
	too_many text;
BEGIN
	PERFORM FROM carts WHERE id IN (guest_id, target_id) ORDER BY id FOR NO KEY UPDATE;
	SELECT * INTO guest FROM carts WHERE id = guest_id;
	SELECT * INTO target FROM carts WHERE id = target_id;
	IF target.status IS DISTINCT FROM 'open' THEN
		RETURN '{"code": "CART_CHANGED", "data": {}}';
	END IF;
	IF EXISTS (SELECT FROM carts WHERE id = guest.merged_into AND user_id = target.user_id) THEN
		RETURN NULL;
	END IF;
	refused := refuse_cart(guest_id, NULL, NULL);
	IF refused IS NOT NULL THEN
		RETURN refused;
	END IF;
	SELECT product_id INTO too_many FROM cart_items
	WHERE cart_id IN (guest_id, target_id) GROUP BY product_id HAVING sum(quantity) > quantity_max
	ORDER BY product_id LIMIT 1;
	IF too_many IS NOT NULL THEN
		RETURN jsonb_build_object('code', 'CART_QUANTITY_TOO_LARGE', 'data', jsonb_build_object(
			'product_id', too_many, 'max', quantity_max
		));
	END IF;
	IF (
		SELECT count(DISTINCT product_id) > lines_max FROM cart_items WHERE cart_id IN (guest_id, target_id)
	) THEN
		RETURN jsonb_build_object('code', 'CART_FULL', 'data', jsonb_build_object('max', lines_max));
	END IF;
	INSERT INTO cart_items AS i (cart_id, product_id, quantity, position, price_minor, name, options)
	SELECT target_id, product_id, quantity,
		position + (SELECT coalesce(max(position), 0) FROM cart_items WHERE cart_id = target_id), price_minor, name,
		options
	FROM cart_items WHERE cart_id = guest_id
	ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = i.quantity + EXCLUDED.quantity;
	UPDATE carts SET
		touched_at = clock_timestamp(),
		version = version + (EXISTS (SELECT FROM cart_items WHERE cart_id = guest_id))::integer
	WHERE id = target_id;
	UPDATE carts SET
		status = 'merged', merged_into = target_id, version = version + 1, touched_at = clock_timestamp()
	WHERE id = guest_id;
	RETURN NULL;
END
$$;
