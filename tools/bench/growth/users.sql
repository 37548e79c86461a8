-- Writes customers: other services verify with users that the owners of orders exist.
CREATE FUNCTION pg_temp.write_users(first integer, last integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO users (id, email, username, password_hash, full_name, is_verified, created_at, updated_at)
	SELECT n, 'buyer' || n || '@toko.test', 'buyer' || n, '$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA', 'Budi Santoso', true, at, at
	FROM generate_series(first, last) AS n, LATERAL (SELECT now() - interval '1 year') AS made (at);
	INSERT INTO event_sequences (aggregate, sequence) SELECT 'user:' || n, 1 FROM generate_series(first, last) AS n
$$;
