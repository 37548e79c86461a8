-- Advances the positions of several events in one statement. Returns, by their numbers in the arrays, the events to be
-- handled now (`next`) and those handled already (`taken`). The others must be handled alone: an event before them is
-- missing, they were skipped, they are twice in the arrays, or another transaction has just inserted the first position
-- of the aggregate. Fails if a lock is held for longer than the timeout.
CREATE OR REPLACE FUNCTION advance_inbox_together(aggregates text[], sequences integer[])
RETURNS TABLE (number integer, place text)
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH given AS (
		SELECT DISTINCT ON (aggregate, sequence) aggregate, sequence, number
		FROM unnest(aggregates, sequences) WITH ORDINALITY AS g (aggregate, sequence, number)
		ORDER BY aggregate, sequence, number
	), known AS (
		SELECT aggregate, sequence FROM inbox WHERE aggregate = ANY (aggregates) ORDER BY aggregate FOR UPDATE
	), placed AS (
		SELECT g.*, k.sequence AS before,
			g.sequence - coalesce(k.sequence, 0) = row_number() OVER (
				PARTITION BY g.aggregate, g.sequence > coalesce(k.sequence, 0) ORDER BY g.sequence
			) AS is_next
		FROM given g LEFT JOIN known k USING (aggregate)
	), last AS (
		SELECT aggregate, before, max(sequence) AS sequence FROM placed WHERE is_next GROUP BY aggregate, before
	), moved AS (
		UPDATE inbox i SET sequence = last.sequence, taken_at = now()
		FROM last WHERE i.aggregate = last.aggregate AND last.before IS NOT NULL
		RETURNING i.aggregate
	), begun AS (
		INSERT INTO inbox (aggregate, sequence)
		SELECT aggregate, sequence FROM last WHERE before IS NULL ORDER BY aggregate
		ON CONFLICT DO NOTHING RETURNING aggregate
	)
	SELECT number::integer, 'next' FROM placed
	WHERE is_next AND aggregate IN (SELECT aggregate FROM moved UNION ALL SELECT aggregate FROM begun)
	UNION ALL
	SELECT number::integer, 'taken' FROM placed p
	WHERE p.sequence <= p.before
		AND NOT EXISTS (SELECT FROM inbox_gaps g WHERE g.aggregate = p.aggregate AND g.sequence = p.sequence);
END
$$;
