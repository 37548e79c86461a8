-- Moves an order to its next state, if it is still in one of the states that the step starts from: of concurrent calls
-- one wins. Returns whether this call has moved the order. The units of an order whose reservation has another id (an
-- earlier version placed it) are settled by a job. A cancelled or expired order gives the use of its voucher back, and a
-- paid one waits for the number of its invoice. `event->'details'` are further data of the event, if any.
CREATE OR REPLACE FUNCTION move_order(
	moved uuid, owner integer, allowed text[], target text, actor text, event jsonb, stock_task text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
	moved_at timestamptz;
BEGIN
	UPDATE orders SET status = target, updated_at = clock_timestamp()
	WHERE id = moved AND (owner IS NULL OR user_id = owner) AND status = ANY (allowed)
	RETURNING * INTO found_order;
	IF found_order.id IS NULL THEN
		RETURN false;
	END IF;
	IF found_order.voucher_limits_id IS NOT NULL AND target IN ('cancelled', 'expired') THEN
		UPDATE voucher_limits SET used = greatest(used - 1, 0) WHERE id = found_order.voucher_limits_id;
	END IF;
	INSERT INTO order_history (order_id, status, actor) VALUES (moved, target, actor) RETURNING at INTO moved_at;
	IF target = 'paid' THEN
		INSERT INTO invoice_queue (order_id, paid_at) VALUES (moved, moved_at);
	END IF;
	IF stock_task IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			stock_task, json_build_object('reservation_id', r.id), max_attempts => 32767, job_key => 'stock:' || r.id
		) FROM reservations r WHERE r.order_id = moved AND r.id <> moved;
	END IF;
	PERFORM publish_caused(event->>'name', (event->>'version')::integer, 'order:' || moved, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'total_minor', found_order.total_minor, 'currency', found_order.currency
	) || coalesce(event->'details', '{}'), event->>'traceparent', event->>'request_id');
	RETURN true;
END
$$;
