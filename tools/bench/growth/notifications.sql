-- Writes the sent mails and the inbox rows for orders of made_orders().
CREATE FUNCTION pg_temp.write_messages(
	first integer, last integer, of_first integer, of_last integer, until timestamptz, customers integer, frequent integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE made ON COMMIT DROP AS
	SELECT *, 'order:' || id AS aggregate
	FROM pg_temp.made_orders(first, last, of_first, of_last, until, customers, frequent);

	-- Inbox rows of orders are retained for half a year.
	INSERT INTO inbox (aggregate, sequence, taken_at)
	SELECT aggregate, cardinality(states), pg_temp.state_at(placed_at, cardinality(states))
	FROM made WHERE placed_at > until - interval '180 days';
	INSERT INTO notifications (
		id, event_id, user_id, type, channel, aggregate, recipient, subject, status, history, created_at, send_at, sent_at
	)
	SELECT md5(event_id || ' ' || type || ' email')::uuid, event_id, user_id, type, 'email', aggregate,
		'buyer' || user_id || '@toko.test', 'Pesanan #TK-' || made, 'sent',
		jsonb_build_array(
			jsonb_build_object('status', 'queued', 'at', at), jsonb_build_object('status', 'sent', 'at', at)
		), at, at, at
	FROM made, unnest(states) WITH ORDINALITY AS reached (state, place),
		LATERAL (
			SELECT md5(aggregate || '#' || place)::uuid AS event_id, pg_temp.state_at(placed_at, place) AS at,
				'order_' || CASE WHEN place = 1 THEN 'confirmation' ELSE state END AS type
		) AS message
	-- A completed order sends no message.
	WHERE state <> 'completed';
END
$$;
