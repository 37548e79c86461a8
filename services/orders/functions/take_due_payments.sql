-- Takes payments of which the provider is to be asked, some at a time, and puts them off: whoever has taken one and dies
-- leaves it to the next sweep after that.
CREATE OR REPLACE FUNCTION take_due_payments(at_most integer) RETURNS SETOF payments LANGUAGE sql AS $$
	UPDATE payments SET checks = checks + 1,
		check_at = now() + make_interval(secs => least(10 * 2 ^ least(checks, 10), CASE WHEN checks < 30 THEN 30 ELSE 180 END))
	WHERE reference IN (
		SELECT reference FROM payments WHERE status = 'open' AND check_at <= now()
		ORDER BY check_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	RETURNING *
$$;
