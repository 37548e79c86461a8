-- Ends the session that a token belongs to. Every change of a family locks it first.
CREATE OR REPLACE FUNCTION end_family(ended_hash bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	family uuid;
BEGIN
	SELECT family_id INTO family FROM refresh_tokens WHERE token_hash = ended_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(family::text, 0));
	DELETE FROM refresh_tokens WHERE family_id = family;
END
$$;
