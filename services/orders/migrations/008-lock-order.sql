-- The time of the step itself, not of the beginning of its transaction, which may have waited for the previous step.
ALTER TABLE order_history ALTER COLUMN at SET DEFAULT clock_timestamp();

-- An event of the provider is identified by its whole content.
ALTER TABLE provider_events ADD COLUMN amount_minor bigint;
-- Only events with the amount of their payment have been recorded.
UPDATE provider_events e SET amount_minor = p.amount_minor FROM payments p WHERE p.reference = e.reference;
ALTER TABLE provider_events ALTER COLUMN amount_minor SET NOT NULL;

DROP FUNCTION IF EXISTS note_provider_event(text, text, text);
