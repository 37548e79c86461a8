-- Moves an order to the refunded state, with the jobs that refund the money and, if requested, restock the units. An
-- order with a total of zero was paid without a payment, and no money is refunded.
CREATE OR REPLACE FUNCTION refund_order(
	refunded uuid, allowed text[], target text, actor text, event jsonb, restock boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	going_back text;
BEGIN
	IF NOT move_order(refunded, NULL, allowed, target, actor, event, NULL) THEN
		RETURN false;
	END IF;
	UPDATE orders SET restocked = restock WHERE id = refunded;
	UPDATE payments SET status = 'refunding', updated_at = now()
	WHERE order_id = refunded AND status = 'settled' RETURNING reference INTO going_back;
	IF going_back IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			'refund_payment', json_build_object('reference', going_back), max_attempts => 32767,
			job_key => 'refund:' || going_back
		);
	END IF;
	IF restock THEN
		PERFORM graphile_worker.add_job(
			'restock_order', json_build_object('order_id', refunded), max_attempts => 32767,
			job_key => 'restock:' || refunded
		);
	END IF;
	RETURN true;
END
$$;
