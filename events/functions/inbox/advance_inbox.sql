-- Advances an aggregate's position to an event; with `jump` also over missing events. Returns the event's place: `next`
-- (to be handled now), `taken` (handled already), or `early` (an event before it is missing).
CREATE OR REPLACE FUNCTION advance_inbox(given_aggregate text, given_sequence integer, jump boolean) RETURNS text
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
