-- Gives back a part of a charge at the sandbox provider, once for each id, and never more than was charged. Returns the
-- outcome as PaymentProvider.refund(). That a transfer was settled, only its webhook tells, so the provider has no record
-- of it and takes `charged` for its amount.
CREATE OR REPLACE FUNCTION sandbox_refund(refund_id text, refunded text, back bigint, charged bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	charge sandbox_charges;
	gone bigint;
BEGIN
	INSERT INTO sandbox_charges AS c (reference, amount_minor, status) VALUES (refunded, charged, 'settled')
	ON CONFLICT (reference) DO UPDATE SET
		amount_minor = CASE c.status WHEN 'cancelled' THEN excluded.amount_minor ELSE c.amount_minor END,
		status = CASE c.status WHEN 'cancelled' THEN 'settled' ELSE c.status END
	RETURNING * INTO charge;
	-- A process of the version before gave back all of it.
	IF charge.status = 'refunded' THEN
		INSERT INTO sandbox_refunds (id, reference, amount_minor)
		SELECT refunded, refunded, charge.amount_minor
		WHERE NOT EXISTS (SELECT FROM sandbox_refunds WHERE reference = refunded);
	END IF;
	IF EXISTS (SELECT FROM sandbox_refunds WHERE id = refund_id AND reference = refunded AND amount_minor = back) THEN
		RETURN 'refunded';
	END IF;
	SELECT coalesce(sum(amount_minor), 0) INTO gone FROM sandbox_refunds WHERE reference = refunded;
	IF gone + back > charge.amount_minor OR EXISTS (SELECT FROM sandbox_refunds WHERE id = refund_id) THEN
		RETURN 'refused';
	END IF;
	INSERT INTO sandbox_refunds (id, reference, amount_minor) VALUES (refund_id, refunded, back);
	UPDATE sandbox_charges SET status = 'refunded' WHERE reference = refunded AND amount_minor = gone + back;
	RETURN 'refunded';
END
$$;
