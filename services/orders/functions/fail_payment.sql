-- Records that a payment failed; the order can be paid in another way. Returns `failed`; `known` if the payment is not
-- open any more; or an error of take_provider_event().
CREATE OR REPLACE FUNCTION fail_payment(failed_reference text, failed_minor bigint, provider_event text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text := take_provider_event(provider_event, 'payment.failed', failed_reference, failed_minor);
BEGIN
	IF outcome <> 'new' THEN
		RETURN outcome;
	END IF;
	UPDATE payments SET status = 'failed', updated_at = now() WHERE reference = failed_reference AND status = 'open';
	RETURN CASE WHEN FOUND THEN 'failed' ELSE 'known' END;
END
$$;
