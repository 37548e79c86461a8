DROP TABLE IF EXISTS inbox;

-- The last event of each thing, such as `order:<id>`, that was taken in.
CREATE TABLE inbox (
	aggregate text PRIMARY KEY,
	sequence integer NOT NULL,
	taken_at timestamptz NOT NULL DEFAULT now()
);

-- Events that were passed over and may still come.
CREATE TABLE inbox_gaps (
	aggregate text NOT NULL,
	sequence integer NOT NULL,
	PRIMARY KEY (aggregate, sequence)
);

-- Events that could not be taken in.
CREATE TABLE dead_letters (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	-- JSON as it came; text, since jsonb does not hold everything that JSON can.
	payload text NOT NULL,
	error text NOT NULL,
	stack text NOT NULL,
	tries integer NOT NULL,
	failed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX dead_letters_newest ON dead_letters (failed_at DESC, id);
