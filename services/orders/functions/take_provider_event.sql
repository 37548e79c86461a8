-- Locks the payment that a message of the provider is about, and notes the message; `provider_event` is its id, null where
-- the provider was asked instead. Answers `new`; `known` where the same message was noted before; `reused` where another
-- message was noted under its id; `unknown` or `differs` where there is no such payment, or of another amount. Only `new`
-- notes anything.
CREATE OR REPLACE FUNCTION take_provider_event(
	provider_event text, told_type text, told_reference text, told_minor bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	payment payments := lock_payment(told_reference);
	noted provider_events;
	fault text := CASE
		WHEN payment.reference IS NULL THEN 'unknown' WHEN payment.amount_minor <> told_minor THEN 'differs'
	END;
BEGIN
	IF provider_event IS NULL THEN
		RETURN coalesce(fault, 'new');
	END IF;
	IF fault IS NULL THEN
		-- Of two with one id at the same moment the second waits here for the first.
		INSERT INTO provider_events (id, type, reference, amount_minor)
		VALUES (provider_event, told_type, told_reference, told_minor) ON CONFLICT DO NOTHING;
		IF FOUND THEN
			RETURN 'new';
		END IF;
	END IF;
	SELECT * INTO noted FROM provider_events WHERE id = provider_event;
	RETURN CASE
		WHEN noted.id IS NULL THEN fault
		WHEN (noted.type, noted.reference, noted.amount_minor) = (told_type, told_reference, told_minor) THEN 'known'
		ELSE 'reused'
	END;
END
$$;
