-- Inserts an event into the outbox. The notice makes the calling process wake the relay after the commit.
CREATE OR REPLACE FUNCTION publish(name text, version integer, aggregate text, data jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	WITH place AS (
		INSERT INTO event_sequences AS s (aggregate, sequence) VALUES (publish.aggregate, 1)
		ON CONFLICT ON CONSTRAINT event_sequences_pkey DO UPDATE SET sequence = s.sequence + 1
		RETURNING s.sequence
	)
	INSERT INTO outbox (id, aggregate, sequence, name, version, data)
	SELECT md5(publish.aggregate || '#' || place.sequence)::uuid, publish.aggregate, place.sequence,
		publish.name, publish.version, publish.data
	FROM place;
	RAISE NOTICE USING MESSAGE = 'an event is in the outbox', ERRCODE = 'TK001';
END
$$;
