-- Text as it is compared where case does not count. Addresses and usernames are ASCII, and the collation "C" folds A to Z
-- only, whatever the language of the database: `lower('INDAH')` of a Turkish one is `ındah`. contracts/email.ts has the same.
CREATE FUNCTION fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT lower(given COLLATE "C")
$$;

-- A Turkish or Azerbaijani database took INDAH@toko.test and indah@toko.test for two. The account that its owner could
-- log in to keeps the address: there is at most one, without an `I`. The others could never be used; they lose the address
-- to a placeholder, and former_emails keeps it. The users service names them at each start.
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

-- Nobody logs in with a username: the oldest account keeps it, the others get one that says which it was.
UPDATE users u SET username = left(username, 90) || '-' || left(gen_random_uuid()::text, 8)
FROM (
	SELECT id, row_number() OVER (PARTITION BY fold(username) ORDER BY id) AS place FROM users
) ranked
WHERE ranked.id = u.id AND ranked.place > 1;

-- Where the data was restored into another locale, these could not be made there.
DROP INDEX IF EXISTS users_email;
DROP INDEX IF EXISTS users_username;
CREATE UNIQUE INDEX users_email ON users (fold(email));
CREATE UNIQUE INDEX users_username ON users (fold(username));
