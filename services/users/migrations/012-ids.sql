-- Other databases remember the ids of users, so none is ever issued twice, also not by a database that was restored from
-- an older copy. An id is at least the number of seconds since 2026-01-01: whatever a copy lacks was issued before now. That
-- holds while fewer than one user a second is registered on average; beyond, `npm run audit -- --accept-restore` raises the
-- sequence. A default and no trigger: rows that bring their ids keep them.
CREATE SEQUENCE user_ids AS integer OWNED BY users.id;

-- The lock is kept until the commit, which is short: of two at the same moment the second sees what the first has set.
CREATE FUNCTION next_user_id() RETURNS integer LANGUAGE plpgsql AS $$
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

ALTER TABLE users ALTER COLUMN id DROP IDENTITY;
ALTER TABLE users ALTER COLUMN id SET DEFAULT next_user_id();
SELECT setval('user_ids', max(id)) FROM users HAVING count(*) > 0;
