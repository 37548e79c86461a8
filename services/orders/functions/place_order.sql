-- Places an order in one round trip: the order with its history, its lines, the reservation, the key with its response
-- and the event. If the reservation or key exists already, everything fails with unique_violation.
CREATE OR REPLACE FUNCTION place_order(
	placed jsonb, lines jsonb, reservation_id uuid, idempotency_key text, request_hash bytea, event json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	placed_id uuid := placed->>'id';
	owner integer := placed->>'user_id';
	answer jsonb;
BEGIN
	-- The process was frozen until long after the hold expired, and its reservation may have been pruned as abandoned.
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
