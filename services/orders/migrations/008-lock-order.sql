-- When a step was made, and not when its transaction began to wait for the one before it.
ALTER TABLE order_history ALTER COLUMN at SET DEFAULT clock_timestamp();

-- A message of the provider is known with all that it said.
ALTER TABLE provider_events ADD COLUMN amount_minor bigint;
-- Only messages with the amount of their payment were ever noted.
UPDATE provider_events e SET amount_minor = p.amount_minor FROM payments p WHERE p.reference = e.reference;
ALTER TABLE provider_events ALTER COLUMN amount_minor SET NOT NULL;

DROP FUNCTION IF EXISTS note_provider_event(text, text, text);
