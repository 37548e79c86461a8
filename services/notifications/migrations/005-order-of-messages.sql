-- The time of queueing itself, not of the beginning of its transaction, which may have waited for the previous event.
ALTER TABLE notifications ALTER COLUMN created_at SET DEFAULT clock_timestamp();
