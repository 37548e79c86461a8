-- How many of a thing's events happened only in what was lost when the database was restored from an older copy: others have
-- taken them in, so their numbers are not given again.
ALTER TABLE event_sequences ADD COLUMN lost integer NOT NULL DEFAULT 0;
