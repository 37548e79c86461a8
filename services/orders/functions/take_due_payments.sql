-- Returns up to `at_most` payments whose outcome the provider is to be asked for, and postpones their next check: if
-- the process dies, a later sweep takes them.
CREATE OR REPLACE FUNCTION take_due_payments(at_most integer) RETURNS SETOF payments LANGUAGE sql AS $$
	UPDATE payments SET checks = checks + 1,
		check_at = now() + make_interval(secs => least(10 * 2 ^ least(checks, 10), CASE WHEN checks < 30 THEN 30 ELSE 180 END))
	WHERE reference IN (
		SELECT reference FROM payments WHERE status = 'open' AND check_at <= now()
		ORDER BY check_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	RETURNING *
$$;
