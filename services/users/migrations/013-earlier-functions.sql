-- What versions before the grace of used tokens called.
DROP FUNCTION IF EXISTS exchange_refresh_token(bytea, bytea, integer);
DROP FUNCTION IF EXISTS refresh_session(bytea, bytea, integer);
