-- Places an order in one round trip: the order with its history, its lines, the reservation, the key with its response
-- and the event. If the reservation or key exists already, everything fails with unique_violation. If its voucher is used
-- up or over, or its cart was ordered or changed since it was read, nothing is written, and `refused` has the problem. An
-- order that costs nothing is paid at once if `placed` has the arguments of this transition in `pay`. Processes of the version
-- before leave out what they do not know.
CREATE OR REPLACE FUNCTION place_order(
	placed jsonb, lines jsonb, reservation_id uuid, idempotency_key text, request_hash bytea, event json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	placed_id uuid := placed->>'id';
	owner integer := placed->>'user_id';
	answer jsonb;
	paid_for_lines numeric;
	refused jsonb;
BEGIN
	-- The process was frozen until long after the hold expired, and its reservation may have been pruned as abandoned.
	IF (placed->>'expires_at')::timestamptz < now() - interval '1 day' THEN
		RAISE EXCEPTION 'reservation % is long over', reservation_id
			USING ERRCODE = 'unique_violation', CONSTRAINT = 'reservations_pkey';
	END IF;
	IF placed ? 'cart' THEN
		refused := refuse_cart((placed->'cart'->>'id')::uuid, (placed->'cart'->>'version')::integer, placed_id);
		IF refused IS NOT NULL THEN
			RETURN jsonb_build_object('refused', refused);
		END IF;
	END IF;
	IF placed ? 'voucher_limits_id' THEN
		refused := take_voucher((placed->>'voucher_limits_id')::bigint, placed->>'voucher_code', owner);
		IF refused IS NOT NULL THEN
			RETURN jsonb_build_object('refused', refused);
		END IF;
	END IF;
	INSERT INTO orders AS o (
		id, user_id, status, total_minor, currency, shipping_address, note, expires_at,
		subtotal_minor, discount_minor, shipping_minor, shipping_discount_minor, shipping_tax_minor, shipping_paid_minor,
		tax_minor, tax_basis_points, tax_included, shipping_method, shipping_terms, address,
		voucher_code, voucher_limits_id, voucher_terms, cart_id
	)
	VALUES (
		placed_id, owner, placed->>'status', (placed->>'total_minor')::bigint,
		placed->>'currency', placed->>'shipping_address', placed->>'note', (placed->>'expires_at')::timestamptz,
		(placed->>'subtotal_minor')::bigint, coalesce((placed->>'discount_minor')::bigint, 0),
		coalesce((placed->>'shipping_minor')::bigint, 0), coalesce((placed->>'shipping_discount_minor')::bigint, 0),
		coalesce((placed->>'shipping_tax_minor')::bigint, 0), coalesce((placed->>'shipping_paid_minor')::bigint, 0),
		coalesce((placed->>'tax_minor')::bigint, 0), coalesce((placed->>'tax_basis_points')::integer, 0),
		coalesce((placed->>'tax_included')::boolean, true), placed->>'shipping_method',
		nullif(placed->'shipping_terms', 'null'), nullif(placed->'address', 'null'),
		placed->>'voucher_code', (placed->>'voucher_limits_id')::bigint, nullif(placed->'voucher_terms', 'null'),
		(placed->'cart'->>'id')::uuid
	)
	RETURNING to_jsonb(o) || jsonb_build_object('lines', lines) INTO answer;
	INSERT INTO order_history (order_id, status, actor) VALUES (placed_id, placed->>'status', 'user:' || owner);
	WITH written AS (
		INSERT INTO order_lines (
			order_id, line, product_id, name, price_minor, quantity, options, category, weight_g, requires_shipping,
			discount_minor, tax_minor, paid_minor
		)
		SELECT placed_id, position, item->>'product_id', item->>'name',
			(item->>'price_minor')::bigint, (item->>'quantity')::integer,
			nullif(item->'options', 'null'), item->>'category', (item->>'weight_g')::integer,
			(item->>'requires_shipping')::boolean,
			coalesce((item->>'discount_minor')::bigint, 0), coalesce((item->>'tax_minor')::bigint, 0),
			(item->>'paid_minor')::bigint
		FROM jsonb_array_elements(lines) WITH ORDINALITY AS listed (item, position)
		RETURNING coalesce(paid_minor, price_minor::numeric * quantity) AS paid
	)
	SELECT sum(paid) INTO paid_for_lines FROM written;
	IF paid_for_lines + (answer->>'shipping_paid_minor')::bigint IS DISTINCT FROM (answer->>'total_minor')::numeric THEN
		RAISE EXCEPTION 'order % costs %, but % is paid for its lines', placed_id, answer->>'total_minor', paid_for_lines
			USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_paid_in_lines';
	END IF;
	INSERT INTO reservations (id, order_id) VALUES (reservation_id, placed_id);
	IF placed ? 'cart' THEN
		UPDATE carts SET
			status = 'ordered', order_id = placed_id, version = version + 1, touched_at = clock_timestamp()
		WHERE id = (placed->'cart'->>'id')::uuid;
	END IF;
	PERFORM publish_caused(
		event->>'name', (event->>'version')::integer, 'order:' || placed_id,
		jsonb_set((event->'data')::jsonb, '{number}', answer->'number'), event->>'traceparent',
		event->>'request_id'
	);
	IF placed ? 'pay' THEN
		PERFORM move_order(
			placed_id, NULL, ARRAY(SELECT jsonb_array_elements_text(placed->'pay'->'from')), placed->'pay'->>'to',
			'user:' || owner, placed->'pay'->'event', NULL
		);
		SELECT to_jsonb(o) || jsonb_build_object('lines', lines) INTO answer FROM orders o WHERE o.id = placed_id;
	END IF;
	IF idempotency_key IS NOT NULL THEN
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
		VALUES (owner, idempotency_key, request_hash, jsonb_build_object('order', answer));
	END IF;
	RETURN answer;
END
$$;
