CREATE SEQUENCE order_numbers;

CREATE TABLE orders (
	id uuid PRIMARY KEY,
	number text NOT NULL UNIQUE DEFAULT 'TK-' || lpad(nextval('order_numbers')::text, 6, '0'),
	user_id integer NOT NULL,
	status text NOT NULL,
	-- In minor units of the currency.
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

-- Every attempt to order has a reservation id of its own. It is stored here once: with its order, or as abandoned,
-- which prevents any order from using it.
CREATE TABLE reservations (
	id uuid PRIMARY KEY,
	order_id uuid REFERENCES orders (id),
	created_at timestamptz NOT NULL DEFAULT now()
);

-- Stored responses by idempotency key, for repetitions of a request.
CREATE TABLE idempotency_keys (
	user_id integer NOT NULL,
	key text NOT NULL,
	request_hash bytea NOT NULL,
	answer jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
