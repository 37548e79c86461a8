-- Opens a payment for an order that can still be paid, or returns the open one. The provider is asked for its outcome
-- at `check_at`, or when it is due. Returns no row if the order does not exist, belongs to another user or cannot be
-- paid.
CREATE OR REPLACE FUNCTION open_payment(
	paid_order uuid, owner integer, payable text[], new_reference text, new_method text,
	check_at timestamptz
) RETURNS SETOF payments LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
	opened payments;
BEGIN
	SELECT * INTO found_order FROM orders
	WHERE id = paid_order AND (owner IS NULL OR user_id = owner) AND status = ANY (payable) FOR UPDATE;
	IF found_order.id IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO opened FROM payments WHERE order_id = paid_order AND method = new_method AND status = 'open';
	IF opened.reference IS NULL THEN
		INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at, check_at)
		VALUES (
			new_reference, paid_order, new_method, found_order.total_minor, 'open', found_order.expires_at,
			coalesce(open_payment.check_at, found_order.expires_at)
		)
		RETURNING * INTO opened;
	END IF;
	RETURN NEXT opened;
END
$$;
