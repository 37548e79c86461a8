-- When a message was queued, and not when its transaction began to wait for the event before it.
ALTER TABLE notifications ALTER COLUMN created_at SET DEFAULT clock_timestamp();
