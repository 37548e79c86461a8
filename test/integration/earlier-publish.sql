-- Puts an event into the outbox: a job in the same transaction as the change.
CREATE FUNCTION publish(name text, version integer, aggregate text, data jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	place integer;
BEGIN
	INSERT INTO event_sequences AS s (aggregate, sequence) VALUES (publish.aggregate, 1)
	ON CONFLICT ON CONSTRAINT event_sequences_pkey DO UPDATE SET sequence = s.sequence + 1
	RETURNING s.sequence INTO place;
	PERFORM graphile_worker.add_job(
		'publish_event',
		json_build_object(
			'id', md5(aggregate || '#' || place)::uuid, 'name', name, 'version', version, 'aggregate', aggregate,
			'sequence', place, 'data', data,
			'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
		),
		max_attempts => 32767, job_key => 'event:' || aggregate || '#' || place
	);
END
$$;
