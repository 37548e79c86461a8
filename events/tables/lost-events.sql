-- Number of the aggregate's events that were lost when the database was restored from an older copy. Others have
-- handled them, so their sequence numbers are not reused.
ALTER TABLE event_sequences ADD COLUMN lost integer NOT NULL DEFAULT 0;
