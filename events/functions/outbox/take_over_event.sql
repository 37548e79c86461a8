-- Inserts an event that an earlier version has left as a job; idempotent.
CREATE OR REPLACE FUNCTION take_over_event(event jsonb) RETURNS boolean LANGUAGE sql AS $$
	INSERT INTO outbox (id, aggregate, sequence, name, version, data, occurred_at)
	VALUES (
		(event->>'id')::uuid, event->>'aggregate', (event->>'sequence')::integer, event->>'name',
		(event->>'version')::integer, event->'data', (event->>'occurred_at')::timestamptz
	)
	ON CONFLICT (aggregate, sequence) DO NOTHING
	RETURNING true
$$;
