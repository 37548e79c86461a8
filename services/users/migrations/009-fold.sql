-- Folds text for case-insensitive comparison. Addresses and usernames are ASCII, and the collation "C" folds A to Z
-- only, whatever the locale of the database: in a Turkish one, `lower('INDAH')` is `ındah`. contracts/email.ts does the
-- same.
CREATE FUNCTION fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT lower(given COLLATE "C")
$$;

-- A Turkish or Azerbaijani database treated INDAH@toko.test and indah@toko.test as two addresses. The account that its
-- owner could log in to keeps the address: there is at most one, without an `I`. The others could never be used: a
-- placeholder replaces their address, which former_emails records. The users service reports them at each start.
WITH ranked AS (
	SELECT id, email, row_number() OVER (
		PARTITION BY fold(email) ORDER BY position('I' IN email) = 0 DESC, is_active DESC, is_verified DESC, id
	) AS place
	FROM users
), replaced AS (
	UPDATE users u SET email = 'duplicate-' || gen_random_uuid() || '@duplicate.invalid', is_verified = false
	FROM ranked r WHERE r.id = u.id AND r.place > 1
	RETURNING u.id, r.email
)
INSERT INTO former_emails (user_id, email, until) SELECT id, email, 'infinity' FROM replaced;

-- Usernames are not used for login: the oldest account keeps it, the others get a random suffix.
UPDATE users u SET username = left(username, 90) || '-' || left(gen_random_uuid()::text, 8)
FROM (
	SELECT id, row_number() OVER (PARTITION BY fold(username) ORDER BY id) AS place FROM users
) ranked
WHERE ranked.id = u.id AND ranked.place > 1;

-- In data restored into another locale, these indexes may be missing, because they could not be created there.
DROP INDEX IF EXISTS users_email;
DROP INDEX IF EXISTS users_username;
CREATE UNIQUE INDEX users_email ON users (fold(email));
CREATE UNIQUE INDEX users_username ON users (fold(username));
