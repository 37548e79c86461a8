-- Events, inserted in the transaction that causes them. They are retained for a while after they were published, so
-- that they can be sent again if the stream loses them.
CREATE TABLE outbox (
	-- In commit order within an aggregate, whose row of event_sequences is locked until the commit; in no order between
	-- aggregates.
	position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id uuid NOT NULL,
	aggregate text NOT NULL,
	sequence integer NOT NULL,
	name text NOT NULL,
	version integer NOT NULL,
	data jsonb NOT NULL,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	-- Time since which the event waits to be published: since its insertion, or since its loss was detected.
	waiting_since timestamptz NOT NULL DEFAULT now(),
	published_at timestamptz,
	-- Sequence in the stream.
	stream_sequence bigint,
	-- Number of times the event was sent again. It is part of the message id: the stream may remember an id without
	-- having the event.
	repeats integer NOT NULL DEFAULT 0,
	-- Reason why the event was put aside.
	refusal text,
	UNIQUE (aggregate, sequence)
);

CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL AND refusal IS NULL;
CREATE INDEX outbox_put_aside ON outbox (position) WHERE refusal IS NOT NULL;
-- For expired events: rows are stored in the order of their time, so a small BRIN index is enough.
CREATE INDEX outbox_age ON outbox USING brin (occurred_at);

-- State of the stream as the relay recorded it; one row.
CREATE TABLE outbox_stream (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	-- Time of the stream's creation, as NATS writes it, which identifies the stream.
	created text NOT NULL,
	-- The last message that the relay published, to check whether the stream still has it; 0 for none.
	last_sequence bigint NOT NULL DEFAULT 0,
	last_message_id text NOT NULL DEFAULT '',
	-- Sequence up to which every consumer has acknowledged all messages.
	confirmed_sequence bigint NOT NULL DEFAULT 0,
	published_at timestamptz NOT NULL DEFAULT now()
);

-- Includes jobs that a process is publishing concurrently: the stream drops the second copy by its id.
WITH jobs AS (
	DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
	WHERE t.id = j.task_id AND t.identifier = 'publish_event' AND j.payload->>'aggregate' IS NOT NULL
	RETURNING j.id, j.payload::jsonb AS event
)
INSERT INTO outbox (id, aggregate, sequence, name, version, data, occurred_at)
SELECT (event->>'id')::uuid, event->>'aggregate', (event->>'sequence')::integer, event->>'name',
	(event->>'version')::integer, event->'data', (event->>'occurred_at')::timestamptz
FROM jobs ORDER BY jobs.id
ON CONFLICT (aggregate, sequence) DO NOTHING;
