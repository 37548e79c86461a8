-- Writes orders of made_orders() with all related rows of the orders database.
CREATE FUNCTION pg_temp.write_orders(
	first integer, last integer, of_first integer, of_last integer, until timestamptz, customers integer, frequent integer,
	products text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE made ON COMMIT DROP AS
	SELECT *, states[cardinality(states)] AS status, 'order:' || id AS aggregate,
		pg_temp.state_at(placed_at, cardinality(states)) AS moved_at, 'paid' = ANY (states) AS is_paid,
		id::text AS reference, made % 3 = 0 AS is_transfer
	FROM pg_temp.made_orders(first, last, of_first, of_last, until, customers, frequent);

	CREATE TEMP TABLE made_lines ON COMMIT DROP AS
	SELECT id AS order_id, line, products[1 + (made * 7 + line * 13) % cardinality(products)] AS product_id,
		'Kopi Arabika Gayo Biji Sangrai Medium ' || made % 1000 || ' g' AS name,
		1000 * (1 + (made + line) % 90)::bigint AS price_minor, 1 AS quantity
	FROM made, generate_series(1, 2) AS line;
	CREATE INDEX ON made_lines (order_id);
	ANALYZE made, made_lines;

	INSERT INTO orders (
		id, user_id, status, total_minor, currency, shipping_address, expires_at, created_at, updated_at, restocked,
		restock_done
	)
	SELECT id, user_id, status, (SELECT sum(price_minor) FROM made_lines WHERE order_id = id), 'IDR',
		'Jalan Kopi 7, Bandung 40115', placed_at + interval '30 minutes', placed_at, moved_at,
		status = 'refunded', status = 'refunded'
	FROM made ORDER BY made;
	INSERT INTO order_lines (order_id, line, product_id, name, price_minor, quantity) SELECT * FROM made_lines;
	INSERT INTO order_history (order_id, status, actor, at)
	SELECT id, state, CASE WHEN place <= 2 THEN 'user:' || user_id ELSE 'admin:1' END, pg_temp.state_at(placed_at, place)
	FROM made, unnest(states) WITH ORDINALITY AS reached (state, place);
	INSERT INTO reservations (id, order_id, created_at) SELECT id, id, placed_at FROM made;
	INSERT INTO event_sequences (aggregate, sequence) SELECT aggregate, cardinality(states) FROM made;
	INSERT INTO payments (
		reference, order_id, method, amount_minor, status, due_at, check_at, created_at, updated_at
	)
	SELECT reference, o.id, CASE WHEN is_transfer THEN 'transfer' ELSE 'instant' END, total_minor,
		CASE WHEN made.status = 'refunded' THEN 'refunded' ELSE 'settled' END, expires_at, expires_at, placed_at, moved_at
	FROM made JOIN orders o USING (id) WHERE is_paid;
	INSERT INTO sandbox_charges (reference, amount_minor, status)
	SELECT reference, amount_minor, status FROM payments WHERE reference IN (SELECT reference FROM made) AND method = 'instant';
	-- Rows with a limited retention: keys one day, events one week, provider events half a year.
	INSERT INTO provider_events (id, reference, type, amount_minor, received_at)
	SELECT 'event ' || p.reference, p.reference, 'payment.settled', amount_minor, placed_at
	FROM made JOIN payments p USING (reference) WHERE is_transfer AND placed_at > until - interval '180 days';
	INSERT INTO idempotency_keys (user_id, key, request_hash, answer, created_at)
	SELECT o.user_id, 'key ' || o.id, sha256(o.id::text::bytea),
		jsonb_build_object('order', to_jsonb(o) || jsonb_build_object('lines', (
			SELECT jsonb_agg(to_jsonb(l) - 'order_id' - 'line' ORDER BY line) FROM made_lines l WHERE l.order_id = o.id
		))), placed_at
	FROM made JOIN orders o USING (id) WHERE placed_at > until - interval '1 day';
	INSERT INTO outbox (
		id, aggregate, sequence, name, version, data, occurred_at, waiting_since, published_at, stream_sequence
	)
	SELECT md5(aggregate || '#' || place)::uuid, aggregate, place,
		'order.' || CASE WHEN place = 1 THEN 'placed' ELSE state END, 1,
		jsonb_build_object(
			'order_id', o.id, 'number', number, 'user_id', o.user_id, 'total_minor', total_minor, 'currency', currency
		), at, at, at, 0
	FROM made JOIN orders o USING (id), unnest(states) WITH ORDINALITY AS reached (state, place),
		pg_temp.state_at(placed_at, place) AS at
	WHERE placed_at > until - interval '7 days' AND at < until;
END
$$;
