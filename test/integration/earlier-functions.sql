-- Functions that orders called before deadlines were columns. Each placed order had a job for its expiry.
CREATE OR REPLACE FUNCTION begin_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO order_history (order_id, status, actor) VALUES (NEW.id, NEW.status, 'user:' || NEW.user_id);
	PERFORM graphile_worker.add_job(
		'expire_order', json_build_object('order_id', NEW.id), run_at => NEW.expires_at, max_attempts => 32767,
		job_key => 'expire:' || NEW.id
	);
	RETURN NEW;
END
$$;

CREATE TRIGGER orders_begin AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION begin_order();

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
		INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at)
		VALUES (new_reference, paid_order, new_method, found_order.total_minor, 'open', found_order.expires_at)
		RETURNING * INTO opened;
		PERFORM graphile_worker.add_job(
			'check_payment', json_build_object('reference', new_reference),
			run_at => coalesce(check_at, opened.due_at), max_attempts => 32767, job_key => 'check:' || new_reference
		);
	END IF;
	RETURN NEXT opened;
END
$$;
