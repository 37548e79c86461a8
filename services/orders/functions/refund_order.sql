-- Refunds a whole order, for processes of the version before. They know no refunds of parts: of an order that has some,
-- nothing happens.
CREATE OR REPLACE FUNCTION refund_order(
	refunded uuid, allowed text[], target text, actor text, event jsonb, restock boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
BEGIN
	SELECT * INTO found_order FROM orders WHERE id = refunded AND status = ANY (allowed) FOR UPDATE;
	IF found_order.id IS NULL OR EXISTS (SELECT FROM refunds WHERE order_id = refunded) THEN
		RETURN false;
	END IF;
	PERFORM record_refund(
		jsonb_build_object(
			'id', gen_random_uuid(), 'order_id', refunded, 'actor', actor, 'restock', restock, 'shipping', true,
			'shipping_minor', found_order.shipping_paid_minor, 'other_minor', 0, 'lines', (
				SELECT jsonb_agg(jsonb_build_object(
					'line', line, 'quantity', quantity, 'amount_minor', coalesce(paid_minor, price_minor * quantity)
				)) FROM order_lines WHERE order_id = refunded
			)
		),
		jsonb_build_object('from', allowed, 'to', target, 'event', event), NULL
	);
	RETURN true;
END
$$;
