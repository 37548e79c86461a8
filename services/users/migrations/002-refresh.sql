-- Ends the session that a token belongs to. Whoever changes a family locks it first.
CREATE FUNCTION end_family(ended_hash bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	family uuid;
BEGIN
	SELECT family_id INTO family FROM refresh_tokens WHERE token_hash = ended_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(family::text, 0));
	DELETE FROM refresh_tokens WHERE family_id = family;
END
$$;

-- Takes a token out of use and adds the next one of its family. Answers the user; null where the token is unknown,
-- expired or was used before, and then its family is ended.
CREATE FUNCTION exchange_refresh_token(used_hash bytea, next_hash bytea, days integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	used refresh_tokens;
BEGIN
	SELECT * INTO used FROM refresh_tokens WHERE token_hash = used_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(used.family_id::text, 0));
	UPDATE refresh_tokens SET used_at = now()
	WHERE token_hash = used_hash AND used_at IS NULL AND expires_at > now() RETURNING * INTO used;
	IF NOT FOUND THEN
		PERFORM end_family(used_hash);
		RETURN NULL;
	END IF;
	INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
	VALUES (next_hash, used.family_id, used.user_id, now() + make_interval(days => days));
	RETURN used.user_id;
END
$$;
