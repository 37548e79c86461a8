-- Inserts an event into the outbox, with the trace context and the request of the work that has caused it, if any. The
-- notice makes the calling process wake the relay after the commit.
CREATE OR REPLACE FUNCTION publish_caused(
	name text, version integer, aggregate text, data jsonb, traceparent text, request_id text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WITH place AS (
		INSERT INTO event_sequences AS s (aggregate, sequence) VALUES (publish_caused.aggregate, 1)
		ON CONFLICT ON CONSTRAINT event_sequences_pkey DO UPDATE SET sequence = s.sequence + 1
		RETURNING s.sequence
	)
	INSERT INTO outbox (id, aggregate, sequence, name, version, data, traceparent, request_id)
	SELECT md5(publish_caused.aggregate || '#' || place.sequence)::uuid, publish_caused.aggregate, place.sequence,
		publish_caused.name, publish_caused.version, publish_caused.data, publish_caused.traceparent,
		publish_caused.request_id
	FROM place;
	RAISE NOTICE USING MESSAGE = 'an event is in the outbox', ERRCODE = 'TK001';
END
$$;
