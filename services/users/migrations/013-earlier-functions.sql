-- Only versions before the locks of accounts call it.
DROP FUNCTION IF EXISTS exchange_refresh_token(bytea, bytea, integer);
