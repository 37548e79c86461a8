-- Records the provider's decision about a refund: `refunded`, `refused` or `manual`. Returns false if there was one
-- before. Whatever it is, the order has granted the refund: see docs/decisions/018-refunds.md.
CREATE OR REPLACE FUNCTION settle_refund(settled uuid, outcome text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	payment payments := lock_payment((SELECT payment_reference FROM refunds WHERE id = settled));
BEGIN
	UPDATE refunds SET status = outcome, updated_at = clock_timestamp() WHERE id = settled AND status = 'pending';
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM end_refunding(payment.reference);
	RETURN true;
END
$$;
