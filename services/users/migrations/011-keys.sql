-- Ids of the requests with an Idempotency-Key that registered and deleted an account: their repetition succeeds too.
ALTER TABLE users ADD COLUMN registered_by text, ADD COLUMN deleted_by text;
