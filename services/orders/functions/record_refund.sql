-- Records a refund of a paid order: the refund with its lines, what the order has given back, the jobs that return money
-- and units, and the event. The caller has locked the order, and computed the amounts from what it has given back so far
-- (services/orders/pricing/refunds.ts); constraints reject more units or money than there are. If no money is left, the
-- order moves to `moved->>'to'`, with the event in `moved`; before that, `partly` is published. `moved->>'with_amount'` is
-- true if the consumers of that event accept the amount of the rest. The refund waits for the number of its credit note.
CREATE OR REPLACE FUNCTION record_refund(given jsonb, moved jsonb, partly jsonb) RETURNS refunds LANGUAGE plpgsql AS $$
DECLARE
	refunded_order uuid := given->>'order_id';
	lines jsonb := coalesce(given->'lines', '[]');
	cause jsonb := jsonb_build_object(
		'traceparent', moved->'event'->>'traceparent', 'request_id', moved->'event'->>'request_id'
	);
	found_order orders;
	payment payments;
	made refunds;
	counted integer;
	all_units boolean;
	is_complete boolean;
BEGIN
	SELECT * INTO found_order FROM orders WHERE id = refunded_order FOR UPDATE;
	SELECT * INTO payment FROM payments WHERE order_id = refunded_order AND status = 'settled' FOR UPDATE;
	made.id := given->>'id';
	made.order_id := refunded_order;
	made.sequence := (SELECT count(*) + 1 FROM refunds WHERE order_id = refunded_order);
	made.shipping_minor := given->>'shipping_minor';
	made.other_minor := given->>'other_minor';
	made.amount_minor := made.shipping_minor + made.other_minor
		+ (SELECT coalesce(sum((item->>'amount_minor')::bigint), 0) FROM jsonb_array_elements(lines) AS item);
	made.reason := given->>'reason';
	made.actor := given->>'actor';
	made.key_id := given->>'key_id';

	UPDATE order_lines l SET refunded_quantity = l.refunded_quantity + (item->>'quantity')::integer
	FROM jsonb_array_elements(lines) AS item
	WHERE l.order_id = refunded_order AND l.line = (item->>'line')::integer;
	GET DIAGNOSTICS counted = ROW_COUNT;
	IF counted <> jsonb_array_length(lines) THEN
		RAISE EXCEPTION 'order % has not all of the lines %', refunded_order, lines;
	END IF;
	UPDATE orders SET refunded_minor = refunded_minor + made.amount_minor, updated_at = clock_timestamp(),
		shipping_refunded = shipping_refunded OR (given->>'shipping')::boolean
	WHERE id = refunded_order RETURNING * INTO found_order;
	all_units := NOT EXISTS (SELECT FROM order_lines WHERE order_id = refunded_order AND refunded_quantity < quantity);
	is_complete := found_order.refunded_minor = found_order.total_minor AND (found_order.total_minor > 0 OR all_units);

	made.is_whole := made.sequence = 1 AND is_complete AND all_units;
	made.restock := (given->>'restock')::boolean AND counted > 0;
	made.restock_done := false;
	made.payment_reference := payment.reference;
	made.status := CASE
		WHEN made.amount_minor = 0 THEN 'refunded' WHEN payment.reference IS NULL THEN 'manual' ELSE 'pending'
	END;
	made.created_at := clock_timestamp();
	made.updated_at := made.created_at;
	INSERT INTO refunds (
		id, order_id, sequence, amount_minor, shipping_minor, other_minor, status, is_whole, restock, restock_done, reason,
		actor, payment_reference, key_id, created_at, updated_at
	) VALUES (
		made.id, made.order_id, made.sequence, made.amount_minor, made.shipping_minor, made.other_minor, made.status,
		made.is_whole, made.restock, made.restock_done, made.reason, made.actor, made.payment_reference, made.key_id,
		made.created_at, made.updated_at
	);
	INSERT INTO refund_lines (refund_id, line, quantity, amount_minor)
	SELECT made.id, (item->>'line')::integer, (item->>'quantity')::integer, (item->>'amount_minor')::bigint
	FROM jsonb_array_elements(lines) AS item;
	INSERT INTO credit_note_queue (refund_id, refunded_at) VALUES (made.id, made.created_at);

	IF is_complete THEN
		IF NOT move_order(
			refunded_order, NULL, ARRAY(SELECT jsonb_array_elements_text(moved->'from')), moved->>'to', made.actor,
			moved->'event' || CASE WHEN made.sequence > 1 AND (moved->>'with_amount')::boolean
				THEN jsonb_build_object('details', jsonb_build_object('amount_minor', made.amount_minor)) ELSE '{}'
			END, NULL
		) THEN
			RAISE EXCEPTION 'order % cannot be refunded', refunded_order;
		END IF;
		UPDATE payments SET status = 'refunding', updated_at = now() WHERE reference = payment.reference;
		PERFORM end_refunding(payment.reference);
	ELSE
		PERFORM publish_caused(partly->>'name', (partly->>'version')::integer, 'order:' || refunded_order,
			jsonb_build_object(
				'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
				'refund_id', made.id, 'amount_minor', made.amount_minor, 'refunded_minor', found_order.refunded_minor,
				'total_minor', found_order.total_minor, 'currency', found_order.currency
			), partly->>'traceparent', partly->>'request_id');
	END IF;

	IF made.status = 'pending' AND made.is_whole THEN
		PERFORM graphile_worker.add_job(
			'refund_payment', (cause || jsonb_build_object('reference', payment.reference))::json,
			max_attempts => 32767, job_key => 'refund:' || payment.reference
		);
	ELSIF made.status = 'pending' THEN
		PERFORM graphile_worker.add_job(
			'pay_refund', (cause || jsonb_build_object('refund_id', made.id))::json,
			max_attempts => 32767, job_key => 'pay_refund:' || made.id
		);
	END IF;
	IF made.restock AND made.is_whole THEN
		UPDATE orders SET restocked = true WHERE id = refunded_order;
		PERFORM graphile_worker.add_job(
			'restock_order', (cause || jsonb_build_object('order_id', refunded_order))::json,
			max_attempts => 32767, job_key => 'restock:' || refunded_order
		);
	ELSIF made.restock THEN
		PERFORM graphile_worker.add_job(
			'restock_refund', (cause || jsonb_build_object('refund_id', made.id))::json,
			max_attempts => 32767, job_key => 'restock_refund:' || made.id
		);
	END IF;
	RETURN made;
END
$$;
