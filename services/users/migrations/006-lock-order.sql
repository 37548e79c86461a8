-- Whoever changes an account locks it before its tokens; so does whoever exchanges a token, or two of them wait for each
-- other.
CREATE OR REPLACE FUNCTION exchange_refresh_token(used_hash bytea, next_hash bytea, days integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	used refresh_tokens;
BEGIN
	SELECT * INTO used FROM refresh_tokens WHERE token_hash = used_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(used.family_id::text, 0));
	PERFORM FROM users WHERE id = used.user_id FOR KEY SHARE;
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
