-- Inserts an event without a trace and a request into the outbox.
CREATE OR REPLACE FUNCTION publish(name text, version integer, aggregate text, data jsonb) RETURNS void
LANGUAGE sql AS $$
	SELECT publish_caused(name, version, aggregate, data, NULL, NULL)
$$;
