-- Which request made an account, and which one deleted it, where it came with an Idempotency-Key: its repetition has
-- succeeded too.
ALTER TABLE users ADD COLUMN registered_by text, ADD COLUMN deleted_by text;
