-- Deadlines are columns, which any process sweeps: no job waits for one. And what becomes of an order's units follows from
-- its events: products consumes them. An order's id is that of its reservation now, so an event of the order names it.

-- When the provider is asked what became of a payment, while that is open; each time it is asked moves it on.
ALTER TABLE payments ADD COLUMN check_at timestamptz;
ALTER TABLE payments ADD COLUMN checks integer NOT NULL DEFAULT 0;

UPDATE payments p SET check_at = coalesce(j.run_at, p.due_at)
FROM payments o LEFT JOIN graphile_worker._private_jobs j ON j.key = 'check:' || o.reference
WHERE p.reference = o.reference AND p.status = 'open';
ALTER TABLE payments ADD CONSTRAINT payments_checked CHECK (status <> 'open' OR check_at IS NOT NULL);

CREATE INDEX payments_due ON payments (check_at) WHERE status = 'open';
CREATE INDEX orders_due ON orders (expires_at) WHERE status = 'pending';

DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
WHERE t.id = j.task_id AND t.identifier IN ('expire_order', 'check_payment');

DROP TRIGGER orders_begin ON orders;
DROP FUNCTION begin_order();

-- Places an order in one round trip: the order with its history, its lines, the reservation, the key with its answer and
-- the event. A reservation or key that is already there makes the whole fail with unique_violation.
CREATE OR REPLACE FUNCTION place_order(
	placed jsonb, lines jsonb, reservation_id uuid, idempotency_key text, request_hash bytea, event json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	placed_id uuid := placed->>'id';
	owner integer := placed->>'user_id';
	answer jsonb;
BEGIN
	-- From a process that was frozen for so long that its hold is gone, and may be forgotten as abandoned.
	IF (placed->>'expires_at')::timestamptz < now() - interval '1 day' THEN
		RAISE EXCEPTION 'reservation % is long over', reservation_id
			USING ERRCODE = 'unique_violation', CONSTRAINT = 'reservations_pkey';
	END IF;
	INSERT INTO orders AS o (id, user_id, status, total_minor, currency, shipping_address, note, expires_at)
	VALUES (
		placed_id, owner, placed->>'status', (placed->>'total_minor')::bigint,
		placed->>'currency', placed->>'shipping_address', placed->>'note', (placed->>'expires_at')::timestamptz
	)
	RETURNING to_jsonb(o) || jsonb_build_object('lines', lines) INTO answer;
	INSERT INTO order_history (order_id, status, actor) VALUES (placed_id, placed->>'status', 'user:' || owner);
	INSERT INTO order_lines (order_id, line, product_id, name, price_minor, quantity)
	SELECT placed_id, position, item->>'product_id', item->>'name',
		(item->>'price_minor')::bigint, (item->>'quantity')::integer
	FROM jsonb_array_elements(lines) WITH ORDINALITY AS listed (item, position);
	INSERT INTO reservations (id, order_id) VALUES (reservation_id, placed_id);
	IF idempotency_key IS NOT NULL THEN
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
		VALUES (owner, idempotency_key, request_hash, jsonb_build_object('order', answer));
	END IF;
	PERFORM publish(
		event->>'name', (event->>'version')::integer, 'order:' || placed_id,
		jsonb_set((event->'data')::jsonb, '{number}', answer->'number')
	);
	RETURN answer;
END
$$;

-- Moves an order to its next state, if it is still in one of the states that the step starts from: of several who try
-- at the same moment one wins. Answers whether this call was the one that moved it. The units of an order whose reservation
-- has another id (an earlier version placed it) are settled by a job.
CREATE OR REPLACE FUNCTION move_order(
	moved uuid, owner integer, allowed text[], target text, actor text, event jsonb, stock_task text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
BEGIN
	UPDATE orders SET status = target, updated_at = clock_timestamp()
	WHERE id = moved AND (owner IS NULL OR user_id = owner) AND status = ANY (allowed)
	RETURNING * INTO found_order;
	IF found_order.id IS NULL THEN
		RETURN false;
	END IF;
	INSERT INTO order_history (order_id, status, actor) VALUES (moved, target, actor);
	IF stock_task IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			stock_task, json_build_object('reservation_id', r.id), max_attempts => 32767, job_key => 'stock:' || r.id
		) FROM reservations r WHERE r.order_id = moved AND r.id <> moved;
	END IF;
	PERFORM publish(event->>'name', (event->>'version')::integer, 'order:' || moved, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'total_minor', found_order.total_minor, 'currency', found_order.currency
	));
	RETURN true;
END
$$;

-- Moves orders whose time is over, some at a time; those that another transaction is about to change are left to the next
-- sweep. Answers how many were moved.
CREATE FUNCTION expire_orders(allowed text[], target text, event jsonb, stock_task text, at_most integer)
RETURNS integer LANGUAGE sql AS $$
	WITH due AS MATERIALIZED (
		SELECT id FROM orders WHERE status = 'pending' AND expires_at <= now()
		ORDER BY expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	SELECT count(*)::integer FROM due WHERE move_order(id, NULL, allowed, target, 'shop', event, stock_task)
$$;

-- Opens a payment for an order that can still be paid, or answers the open one. The provider is asked what became of it at
-- `check_at`, or when it is due. No row: the order is not there, not theirs or cannot be paid.
CREATE OR REPLACE FUNCTION open_payment(
	paid_order uuid, owner integer, payable text[], new_reference text, new_method text,
	check_at timestamptz
) RETURNS SETOF payments LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
	opened payments;
BEGIN
	SELECT * INTO found_order FROM orders
	WHERE id = paid_order AND (owner IS NULL OR user_id = owner) AND status = ANY (payable) FOR UPDATE;
	IF found_order.id IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO opened FROM payments WHERE order_id = paid_order AND method = new_method AND status = 'open';
	IF opened.reference IS NULL THEN
		INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at, check_at)
		VALUES (
			new_reference, paid_order, new_method, found_order.total_minor, 'open', found_order.expires_at,
			coalesce(open_payment.check_at, found_order.expires_at)
		)
		RETURNING * INTO opened;
	END IF;
	RETURN NEXT opened;
END
$$;

-- Takes payments of which the provider is to be asked, some at a time, and puts them off: whoever has taken one and dies
-- leaves it to the next sweep after that.
CREATE FUNCTION take_due_payments(at_most integer) RETURNS SETOF payments LANGUAGE sql AS $$
	UPDATE payments SET checks = checks + 1,
		check_at = now() + make_interval(secs => least(10 * 2 ^ least(checks, 10), CASE WHEN checks < 30 THEN 30 ELSE 180 END))
	WHERE reference IN (
		SELECT reference FROM payments WHERE status = 'open' AND check_at <= now()
		ORDER BY check_at LIMIT at_most FOR UPDATE SKIP LOCKED
	)
	RETURNING *
$$;

-- For what is pruned: see services/orders/prune.ts.
CREATE INDEX reservations_abandoned ON reservations (created_at) WHERE order_id IS NULL;
CREATE INDEX provider_events_received ON provider_events (received_at);
