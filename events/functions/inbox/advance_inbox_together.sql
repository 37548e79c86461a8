-- Moves on to several events in one statement. Answers, by their numbers in the arrays, those that are to be taken now
-- (`next`) and those that were (`taken`). The others need a closer look: one before them is missing, they were passed
-- over, come twice in the arrays, or another transaction has just begun with the same aggregate. A lock that is held for
-- longer than the timeout makes it fail.
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
