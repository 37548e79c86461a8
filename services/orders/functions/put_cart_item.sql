-- Sets the quantity of a product in a cart; 0 removes it. Returns null, or the problem's code and data. Concurrent changes
-- of a cart wait for each other at its row, so none is lost and the number of lines stays within `lines_max`.
--
-- seen: price_minor, name and options of the product; null where the quantity is 0.
CREATE OR REPLACE FUNCTION put_cart_item(
	changed uuid, put_product text, put_quantity integer, seen jsonb, lines_max integer
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	refused jsonb := refuse_cart(changed, NULL, NULL);
	before integer;
	lines integer;
	next_position integer;
BEGIN
	IF refused IS NOT NULL THEN
		RETURN refused;
	END IF;
	SELECT quantity INTO before FROM cart_items WHERE cart_id = changed AND product_id = put_product;
	IF put_quantity = 0 THEN
		DELETE FROM cart_items WHERE cart_id = changed AND product_id = put_product;
	ELSE
		SELECT count(*), coalesce(max(position), 0) + 1 INTO lines, next_position
		FROM cart_items WHERE cart_id = changed;
		IF before IS NULL AND lines >= lines_max THEN
			RETURN jsonb_build_object('code', 'CART_FULL', 'data', jsonb_build_object('max', lines_max));
		END IF;
		INSERT INTO cart_items (cart_id, product_id, quantity, position, price_minor, name, options)
		VALUES (
			changed, put_product, put_quantity, next_position, (seen->>'price_minor')::bigint, seen->>'name',
			nullif(seen->'options', 'null')
		)
		ON CONFLICT (cart_id, product_id) DO UPDATE SET
			quantity = EXCLUDED.quantity, price_minor = EXCLUDED.price_minor, name = EXCLUDED.name,
			options = EXCLUDED.options;
	END IF;
	-- A repetition is no change, so that it does not get in the way of an order.
	UPDATE carts SET
		touched_at = clock_timestamp(), version = version + (coalesce(before, 0) <> put_quantity)::integer
	WHERE id = changed;
	RETURN NULL;
END
$$;
