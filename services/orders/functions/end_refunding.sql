-- Ends the refund of a payment whose order is refunded, once the provider has decided about all of its refunds: it is
-- `refunded` if all of its money went back; otherwise `settled` again, since the provider still has some.
CREATE OR REPLACE FUNCTION end_refunding(ended_reference text) RETURNS void LANGUAGE sql AS $$
	UPDATE payments p SET updated_at = now(), status = CASE
		WHEN p.amount_minor = (
			SELECT sum(amount_minor) FROM refunds WHERE payment_reference = p.reference AND status = 'refunded'
		) THEN 'refunded' ELSE 'settled'
	END
	WHERE reference = ended_reference AND status = 'refunding' AND NOT is_late
		AND NOT EXISTS (SELECT FROM refunds WHERE payment_reference = p.reference AND status = 'pending')
$$;
