CREATE SEQUENCE order_numbers;

CREATE TABLE orders (
	id uuid PRIMARY KEY,
	number text NOT NULL UNIQUE DEFAULT 'TK-' || lpad(nextval('order_numbers')::text, 6, '0'),
	user_id integer NOT NULL,
	status text NOT NULL,
	-- In the currency's smallest unit.
	total_minor bigint NOT NULL CHECK (total_minor >= 0),
	currency text NOT NULL,
	shipping_address text,
	note text,
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_user ON orders (user_id, created_at DESC, id);
CREATE INDEX orders_newest ON orders (created_at DESC, id);

CREATE TABLE order_lines (
	order_id uuid NOT NULL REFERENCES orders (id),
	line integer NOT NULL,
	product_id text NOT NULL,
	name text NOT NULL,
	price_minor bigint NOT NULL CHECK (price_minor >= 0),
	quantity integer NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (order_id, line)
);

-- Every attempt to order has a reservation id of its own. It is here once: with the order that it became, or as
-- abandoned, and then no order can take it any more.
CREATE TABLE reservations (
	id uuid PRIMARY KEY,
	order_id uuid REFERENCES orders (id),
	created_at timestamptz NOT NULL DEFAULT now()
);

-- The answer that a key got, for whoever asks with it again.
CREATE TABLE idempotency_keys (
	user_id integer NOT NULL,
	key text NOT NULL,
	request_hash bytea NOT NULL,
	answer jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- Puts an event into the outbox.
CREATE FUNCTION publish(event jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT graphile_worker.add_job(
		'publish_event', event::json, max_attempts => 32767, job_key => 'event:' || (event->>'id')
	)
$$;

-- Places an order in one round trip: the order, its lines, the reservation, the key with its answer and the event.
-- A reservation or key that is already there makes the whole fail with unique_violation.
CREATE FUNCTION place_order(
	placed jsonb, lines jsonb, reservation_id uuid, idempotency_key text, request_hash bytea, event json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
	full_event jsonb := event::jsonb;
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
	full_event := jsonb_set(full_event, '{data,number}', answer->'number');
	PERFORM publish(full_event);
	RETURN answer;
END
$$;
