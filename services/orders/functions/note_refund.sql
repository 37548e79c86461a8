-- Records that a whole payment was refunded. If it had come too late, publishes an event, so that the customer is
-- notified; for other refunds, the customer has been notified already. A payment of which parts are refunded is left to
-- settle_refund().
CREATE OR REPLACE FUNCTION note_refund(refunded_reference text, event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	payment payments := lock_payment(refunded_reference);
	found_order orders;
BEGIN
	IF payment.status IS DISTINCT FROM 'refunding'
		OR EXISTS (SELECT FROM refunds WHERE payment_reference = refunded_reference AND NOT is_whole)
	THEN
		RETURN;
	END IF;
	UPDATE payments SET status = 'refunded', updated_at = now() WHERE reference = refunded_reference;
	UPDATE refunds SET status = 'refunded', updated_at = clock_timestamp()
	WHERE payment_reference = refunded_reference AND status = 'pending';
	IF NOT payment.is_late THEN
		RETURN;
	END IF;
	SELECT * INTO found_order FROM orders WHERE id = payment.order_id;
	PERFORM publish_caused(event->>'name', (event->>'version')::integer, 'order:' || found_order.id, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'status', found_order.status, 'amount_minor', payment.amount_minor, 'currency', found_order.currency
	), event->>'traceparent', event->>'request_id');
END
$$;
