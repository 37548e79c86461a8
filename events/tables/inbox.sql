DROP TABLE IF EXISTS inbox;

-- Position of each aggregate, such as `order:<id>`: its last handled event.
CREATE TABLE inbox (
	aggregate text PRIMARY KEY,
	sequence integer NOT NULL,
	taken_at timestamptz NOT NULL DEFAULT now()
);

-- Skipped events, which may still arrive.
CREATE TABLE inbox_gaps (
	aggregate text NOT NULL,
	sequence integer NOT NULL,
	PRIMARY KEY (aggregate, sequence)
);

-- Events that could not be handled.
CREATE TABLE dead_letters (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	-- JSON as received; text, since jsonb cannot store all of JSON.
	payload text NOT NULL,
	error text NOT NULL,
	stack text NOT NULL,
	tries integer NOT NULL,
	failed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX dead_letters_newest ON dead_letters (failed_at DESC, id);
