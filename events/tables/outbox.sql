-- How many events there are of each thing, such as `order:<id>`. The row is locked from an event to its commit, so that
-- the numbers of a thing's events are in the order of their commits.
CREATE TABLE event_sequences (
	aggregate text PRIMARY KEY,
	sequence integer NOT NULL
);
