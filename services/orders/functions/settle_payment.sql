-- Records that a payment was settled. Returns `paid`; `late` if the order cannot be paid any more and the money is
-- refunded; `known` if it was recorded before; or an error of take_provider_event().
CREATE OR REPLACE FUNCTION settle_payment(
	settled_reference text, settled_minor bigint, provider_event text, payable text[], target text, event jsonb,
	stock_task text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text := take_provider_event(provider_event, 'payment.settled', settled_reference, settled_minor);
	payment payments;
BEGIN
	IF outcome <> 'new' THEN
		RETURN outcome;
	END IF;
	SELECT * INTO payment FROM payments WHERE reference = settled_reference;
	IF payment.status NOT IN ('open', 'failed') THEN
		RETURN 'known';
	END IF;
	IF move_order(payment.order_id, NULL, payable, target, 'payment:' || settled_reference, event, stock_task) THEN
		UPDATE payments SET status = 'settled', updated_at = now() WHERE reference = settled_reference;
		RETURN 'paid';
	END IF;
	UPDATE payments SET status = 'refunding', is_late = true, updated_at = now() WHERE reference = settled_reference;
	PERFORM graphile_worker.add_job(
		'refund_payment', json_build_object(
			'reference', settled_reference, 'traceparent', event->>'traceparent', 'request_id', event->>'request_id'
		),
		max_attempts => 32767, job_key => 'refund:' || settled_reference
	);
	RETURN 'late';
END
$$;
