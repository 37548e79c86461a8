-- What versions before the locks of accounts called.
DROP FUNCTION IF EXISTS exchange_refresh_token(bytea, bytea, integer);
