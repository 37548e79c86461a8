-- Locks the payment of a provider event, and records the event. `provider_event` is its id, null if the provider was
-- asked instead. Returns `new`; `known` if the same event was recorded before; `reused` if another event was recorded
-- under its id; `unknown` if there is no such payment, `differs` if its amount is another one. Only `new` records
-- anything.
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
		-- Of two concurrent calls with the same id, the second waits here for the first.
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
