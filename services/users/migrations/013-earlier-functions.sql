-- Functions of versions before the grace period of used tokens.
DROP FUNCTION IF EXISTS exchange_refresh_token(bytea, bytea, integer);
DROP FUNCTION IF EXISTS refresh_session(bytea, bytea, integer);
