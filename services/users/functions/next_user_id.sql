-- The lock is held until the commit, which is soon: a concurrent call waits and sees the value that this one has set.
CREATE OR REPLACE FUNCTION next_user_id() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	id integer;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('user_ids'));
	id := greatest(
		nextval('user_ids'), floor(extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00Z'))
	);
	PERFORM setval('user_ids', id);
	RETURN id;
END
$$;

ALTER TABLE users ALTER COLUMN id SET DEFAULT next_user_id();
