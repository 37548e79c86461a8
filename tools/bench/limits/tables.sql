-- The minimum of tables and columns that a shop needs to store orders.

CREATE TABLE users (
	id serial PRIMARY KEY,
	email text NOT NULL UNIQUE,
	username text NOT NULL UNIQUE,
	full_name text NOT NULL,
	password_hash text NOT NULL,
	role text NOT NULL DEFAULT 'user',
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
	token text PRIMARY KEY,
	user_id integer NOT NULL REFERENCES users,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE order_numbers;

CREATE TABLE orders (
	id uuid PRIMARY KEY,
	number text NOT NULL UNIQUE,
	user_id integer NOT NULL,
	status text NOT NULL,
	total bigint NOT NULL,
	shipping_address text,
	note text,
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
	order_id uuid NOT NULL REFERENCES orders,
	line integer NOT NULL,
	product_id text NOT NULL,
	name text NOT NULL,
	price bigint NOT NULL,
	quantity integer NOT NULL,
	PRIMARY KEY (order_id, line)
);

CREATE TABLE idempotency_keys (
	user_id integer NOT NULL,
	key text NOT NULL,
	request_hash text NOT NULL,
	status integer NOT NULL,
	answer text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);

CREATE TABLE events (
	id bigserial PRIMARY KEY,
	aggregate text NOT NULL,
	name text NOT NULL,
	data jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE payments (
	order_id uuid PRIMARY KEY REFERENCES orders,
	method text NOT NULL,
	amount bigint NOT NULL,
	settled_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE mails (
	id bigserial PRIMARY KEY,
	user_id integer NOT NULL,
	type text NOT NULL,
	number text NOT NULL,
	total bigint NOT NULL,
	status text NOT NULL DEFAULT 'queued',
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX mails_queued ON mails (id) WHERE status = 'queued';

-- Returns an order as JSON.
CREATE FUNCTION order_json(o orders) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT json_build_object(
		'id', o.id, 'number', o.number, 'user_id', o.user_id, 'status', o.status,
		'items', (SELECT json_agg(json_build_object('product_id', l.product_id, 'name', l.name, 'price', l.price,
			'quantity', l.quantity, 'subtotal', l.price * l.quantity) ORDER BY l.line)
			FROM order_lines l WHERE l.order_id = o.id),
		'total', o.total, 'currency', 'IDR', 'shipping_address', o.shipping_address, 'note', o.note,
		'expires_at', o.expires_at, 'created_at', o.created_at, 'updated_at', o.updated_at)::text
$$;

-- Places an order for held units. A key that was used returns its stored response and places nothing. Of two concurrent
-- calls one fails with unique_violation, and its caller looks up the key again.
CREATE FUNCTION place_order(
	the_user integer, the_key text, the_hash text, the_id uuid, the_lines jsonb, the_address text, the_note text,
	OUT status integer, OUT answer text, OUT is_new boolean
) LANGUAGE plpgsql AS $$
DECLARE
	placed orders;
BEGIN
	SELECT k.status, k.answer, false INTO status, answer, is_new
		FROM idempotency_keys k WHERE k.user_id = the_user AND k.key = the_key;
	IF FOUND THEN
		RETURN;
	END IF;
	INSERT INTO orders (id, number, user_id, status, total, shipping_address, note, expires_at)
		VALUES (the_id, 'TK-' || nextval('order_numbers'), the_user, 'pending',
			(SELECT sum((l ->> 'price')::bigint * (l ->> 'quantity')::integer) FROM jsonb_array_elements(the_lines) l),
			the_address, the_note, now() + interval '30 minutes')
		RETURNING * INTO placed;
	INSERT INTO order_lines (order_id, line, product_id, name, price, quantity)
		SELECT the_id, number, l ->> 'product_id', l ->> 'name', (l ->> 'price')::bigint, (l ->> 'quantity')::integer
		FROM jsonb_array_elements(the_lines) WITH ORDINALITY AS lines (l, number);
	INSERT INTO events (aggregate, name, data)
		VALUES ('order:' || the_id, 'order.placed', jsonb_build_object('order_id', the_id, 'number', placed.number,
			'user_id', the_user, 'total_minor', placed.total, 'currency', 'IDR', 'items', the_lines));
	status := 201;
	answer := order_json(placed);
	is_new := true;
	IF the_key IS NOT NULL THEN
		INSERT INTO idempotency_keys (user_id, key, request_hash, status, answer)
			VALUES (the_user, the_key, the_hash, status, answer);
	END IF;
END
$$;

-- Pays a pending order: writes its payment, event and both mails.
CREATE FUNCTION pay_order(the_user integer, the_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	paid orders;
BEGIN
	UPDATE orders SET status = 'paid', updated_at = now()
		WHERE id = the_id AND user_id = the_user AND status = 'pending' RETURNING * INTO paid;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	INSERT INTO payments (order_id, method, amount) VALUES (the_id, 'instant', paid.total);
	INSERT INTO events (aggregate, name, data)
		VALUES ('order:' || the_id, 'order.paid', jsonb_build_object('order_id', the_id, 'number', paid.number,
			'user_id', the_user, 'total_minor', paid.total, 'currency', 'IDR'));
	INSERT INTO mails (user_id, type, number, total) VALUES
		(the_user, 'order_confirmation', paid.number, paid.total), (the_user, 'order_paid', paid.number, paid.total);
	RETURN order_json(paid);
END
$$;
