-- Takes a token out of use and adds the next one of its family, while nobody changes the account. Answers the account as
-- it is at that moment; nothing where the account is switched off, or the token is unknown, expired or was used before:
-- then its family is ended. Processes of the version before `renew_session` call it.
CREATE OR REPLACE FUNCTION refresh_session(used_hash bytea, next_hash bytea, days integer)
RETURNS TABLE (id integer, role text, session_version integer) LANGUAGE plpgsql AS $$
DECLARE
	used refresh_tokens;
	owner users;
BEGIN
	SELECT * INTO used FROM refresh_tokens t WHERE t.token_hash = used_hash;
	PERFORM pg_advisory_xact_lock(hashtextextended(used.family_id::text, 0));
	SELECT * INTO owner FROM users u WHERE u.id = used.user_id FOR SHARE;
	UPDATE refresh_tokens t SET used_at = now()
	WHERE t.token_hash = used_hash AND t.used_at IS NULL AND t.expires_at > now() AND owner.is_active;
	IF NOT FOUND THEN
		PERFORM end_family(used_hash);
		RETURN;
	END IF;
	INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
	VALUES (next_hash, used.family_id, used.user_id, now() + make_interval(days => days));
	RETURN QUERY SELECT owner.id, owner.role, owner.session_version;
END
$$;
