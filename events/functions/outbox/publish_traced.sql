-- Inserts an event without a request into the outbox, as processes of an earlier version do.
CREATE OR REPLACE FUNCTION publish_traced(
	name text, version integer, aggregate text, data jsonb, traceparent text
) RETURNS void LANGUAGE sql AS $$
	SELECT publish_caused(name, version, aggregate, data, traceparent, NULL)
$$;
