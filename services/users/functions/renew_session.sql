-- Marks a token as used and adds its successor, which the caller has derived from it, while the account is locked
-- against changes. Returns the account as of that moment. Within `grace_seconds` of its use, a used token returns the
-- account again, because two tabs of a browser may refresh at the same time, and a response may get lost. The grace
-- period ends when the successor is used. Returns no row if the account is inactive, or the token is unknown, expired
-- or was used before: then its family is ended. Every change of an account locks it before its tokens, and so does this
-- function.
CREATE OR REPLACE FUNCTION renew_session(used_hash bytea, next_hash bytea, days integer, grace_seconds integer)
RETURNS TABLE (id integer, role text, session_version integer) LANGUAGE plpgsql AS $$
DECLARE
	used refresh_tokens;
	owner users;
BEGIN
	SELECT * INTO used FROM refresh_tokens t WHERE t.token_hash = used_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(used.family_id::text, 0));
	SELECT * INTO owner FROM users u WHERE u.id = used.user_id AND u.is_active FOR SHARE;
	-- Read again under the locks, by the clock: the transaction may have begun before that of a concurrent call.
	SELECT * INTO used FROM refresh_tokens t
	WHERE t.token_hash = used_hash AND t.expires_at > now() AND t.user_id = owner.id;
	IF used.token_hash IS NOT NULL AND used.used_at IS NULL THEN
		UPDATE refresh_tokens t SET used_at = clock_timestamp() WHERE t.token_hash = used_hash;
		INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
		VALUES (next_hash, used.family_id, used.user_id, now() + make_interval(days => days));
	ELSIF used.used_at IS NULL OR used.used_at < clock_timestamp() - make_interval(secs => grace_seconds)
		OR NOT EXISTS (
			SELECT FROM refresh_tokens t
			WHERE t.token_hash = next_hash AND t.family_id = used.family_id AND t.used_at IS NULL
		)
	THEN
		PERFORM end_family(used_hash);
		RETURN;
	END IF;
	RETURN QUERY SELECT owner.id, owner.role, owner.session_version;
END
$$;
