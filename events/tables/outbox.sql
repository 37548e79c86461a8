-- Number of events of each aggregate, such as `order:<id>`. The row is locked from an event to its commit, so that the
-- sequence numbers of an aggregate are in commit order.
CREATE TABLE event_sequences (
	aggregate text PRIMARY KEY,
	sequence integer NOT NULL
);
