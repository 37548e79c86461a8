-- Events, each a row of the transaction that made it happen. They stay for a while after they were published, so that they
-- can be sent again when the stream has lost them.
CREATE TABLE outbox (
	-- Of one thing's events in the order of their commits, since its row of event_sequences is locked until then; of
	-- different things' not.
	position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id uuid NOT NULL,
	aggregate text NOT NULL,
	sequence integer NOT NULL,
	name text NOT NULL,
	version integer NOT NULL,
	data jsonb NOT NULL,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	-- Since when it is to be published: from the start, or from when it was found to be lost.
	waiting_since timestamptz NOT NULL DEFAULT now(),
	published_at timestamptz,
	-- Where the stream has it.
	stream_sequence bigint,
	-- How often it was sent again. It is part of the message id then: the stream may remember the id and not have the event.
	repeats integer NOT NULL DEFAULT 0,
	-- Why it was put aside.
	refusal text,
	UNIQUE (aggregate, sequence)
);

CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL AND refusal IS NULL;
CREATE INDEX outbox_put_aside ON outbox (position) WHERE refusal IS NOT NULL;
-- For what is old: rows lie in the order of their time, so a few pages of index do.
CREATE INDEX outbox_age ON outbox USING brin (occurred_at);

-- The stream as the relay knows it; one row.
CREATE TABLE outbox_stream (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	-- When the stream was made, as NATS writes it: another one has another time.
	created text NOT NULL,
	-- The last message that the relay has put there, to see whether the stream still has it; 0 for none.
	last_sequence bigint NOT NULL DEFAULT 0,
	last_message_id text NOT NULL DEFAULT '',
	-- Every consumer has acknowledged everything up to here.
	confirmed_sequence bigint NOT NULL DEFAULT 0,
	published_at timestamptz NOT NULL DEFAULT now()
);

-- Also those that a process is publishing at this moment: the stream drops the second copy by its id.
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
