-- Takes a use of a voucher for an order that is being placed. Returns null, or why there is none: the problem's code and
-- data. Orders that use it at the same moment wait for each other at the row of its limits, so no limit is exceeded.
-- move_order() gives the use back.
CREATE OR REPLACE FUNCTION take_voucher(taken_limits bigint, taken_code text, taken_by integer)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	limits voucher_limits;
BEGIN
	SELECT * INTO limits FROM voucher_limits WHERE id = taken_limits FOR NO KEY UPDATE;
	IF EXISTS (SELECT FROM vouchers WHERE code = taken_code AND ends_at <= clock_timestamp()) THEN
		RETURN '{"code": "VOUCHER_NOT_APPLICABLE", "data": {"reason": "ended"}}';
	END IF;
	IF (
		SELECT count(*) >= limits.per_user FROM orders
		WHERE limits.per_user IS NOT NULL AND voucher_limits_id = taken_limits AND user_id = taken_by
			AND status NOT IN ('cancelled', 'expired')
	) THEN
		RETURN '{"code": "VOUCHER_USED_UP", "data": {"reason": "per_user"}}';
	END IF;
	UPDATE voucher_limits SET used = used + 1 WHERE id = taken_limits AND (max_uses IS NULL OR used < max_uses);
	RETURN CASE WHEN NOT FOUND THEN '{"code": "VOUCHER_USED_UP", "data": {"reason": "max_uses"}}'::jsonb END;
END
$$;
