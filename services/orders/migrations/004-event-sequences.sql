-- Events have a place in the sequence of their order's events (see events/tables/outbox.sql). Functions as before, with
-- the other `publish`.
CREATE OR REPLACE FUNCTION place_order(
	placed jsonb, lines jsonb, reservation_id uuid, idempotency_key text, request_hash bytea, event json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	INSERT INTO orders (id, user_id, status, total_minor, currency, shipping_address, note, expires_at)
	VALUES (
		(placed->>'id')::uuid, (placed->>'user_id')::integer, placed->>'status', (placed->>'total_minor')::bigint,
		placed->>'currency', placed->>'shipping_address', placed->>'note', (placed->>'expires_at')::timestamptz
	);
	INSERT INTO order_lines (order_id, line, product_id, name, price_minor, quantity)
	SELECT (placed->>'id')::uuid, position, item->>'product_id', item->>'name',
		(item->>'price_minor')::bigint, (item->>'quantity')::integer
	FROM jsonb_array_elements(lines) WITH ORDINALITY AS listed (item, position);
	INSERT INTO reservations (id, order_id) VALUES (reservation_id, (placed->>'id')::uuid);
	SELECT to_jsonb(o) INTO answer FROM orders o WHERE o.id = (placed->>'id')::uuid;
	answer := answer || jsonb_build_object('lines', lines);
	IF idempotency_key IS NOT NULL THEN
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
		VALUES ((placed->>'user_id')::integer, idempotency_key, request_hash, jsonb_build_object('order', answer));
	END IF;
	PERFORM publish(
		event->>'name', (event->>'version')::integer, 'order:' || (placed->>'id'),
		jsonb_set((event->'data')::jsonb, '{number}', answer->'number')
	);
	RETURN answer;
END
$$;

CREATE OR REPLACE FUNCTION move_order(
	moved uuid, owner integer, allowed text[], target text, actor text, event jsonb, stock_task text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
BEGIN
	UPDATE orders SET status = target, updated_at = now()
	WHERE id = moved AND (owner IS NULL OR user_id = owner) AND status = ANY (allowed)
	RETURNING * INTO found_order;
	IF found_order.id IS NULL THEN
		RETURN false;
	END IF;
	INSERT INTO order_history (order_id, status, actor) VALUES (moved, target, actor);
	IF target <> 'expired' THEN
		PERFORM graphile_worker.remove_job('expire:' || moved);
	END IF;
	IF stock_task IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			stock_task, json_build_object('reservation_id', r.id), max_attempts => 32767, job_key => 'stock:' || r.id
		) FROM reservations r WHERE r.order_id = moved;
	END IF;
	PERFORM publish(event->>'name', (event->>'version')::integer, 'order:' || moved, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'total_minor', found_order.total_minor, 'currency', found_order.currency
	));
	RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION note_refund(refunded_reference text, event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
	found_order orders;
BEGIN
	UPDATE payments SET status = 'refunded', updated_at = now()
	WHERE reference = refunded_reference AND status = 'refunding' RETURNING * INTO payment;
	IF payment.reference IS NULL OR NOT payment.is_late THEN
		RETURN;
	END IF;
	SELECT * INTO found_order FROM orders WHERE id = payment.order_id;
	PERFORM publish(event->>'name', (event->>'version')::integer, 'order:' || found_order.id, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'status', found_order.status, 'amount_minor', payment.amount_minor, 'currency', found_order.currency
	));
END
$$;

DROP FUNCTION publish(jsonb);
DROP FUNCTION event_id(text, text);
