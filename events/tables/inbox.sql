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

-- Moves on to an event, with `jump` also over some that are missing. Answers where it is in the sequence: `next` (to be
-- taken now), `taken`, or `early` (one before it is missing).
CREATE FUNCTION advance_inbox(given_aggregate text, given_sequence integer, jump boolean) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	position integer;
BEGIN
	INSERT INTO inbox (aggregate, sequence) VALUES (given_aggregate, 0) ON CONFLICT DO NOTHING;
	SELECT sequence INTO position FROM inbox WHERE aggregate = given_aggregate FOR UPDATE;
	IF given_sequence <= position THEN
		DELETE FROM inbox_gaps WHERE aggregate = given_aggregate AND sequence = given_sequence;
		RETURN CASE WHEN FOUND THEN 'next' ELSE 'taken' END;
	END IF;
	IF given_sequence > position + 1 THEN
		IF NOT jump THEN
			RETURN 'early';
		END IF;
		INSERT INTO inbox_gaps SELECT given_aggregate, generate_series(position + 1, given_sequence - 1);
	END IF;
	UPDATE inbox SET sequence = given_sequence, taken_at = now() WHERE aggregate = given_aggregate;
	RETURN 'next';
END
$$;

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
