-- Carts of users and guests. They hold no units.
CREATE TABLE carts (
	id uuid PRIMARY KEY,
	-- SHA-256 of the token.
	token_hash bytea NOT NULL,
	-- Null for a guest's cart.
	user_id integer,
	status text NOT NULL DEFAULT 'open',
	-- Each change of the items or the status raises it.
	version integer NOT NULL DEFAULT 1,
	order_id uuid UNIQUE REFERENCES orders (id),
	-- The user's cart that took over the items.
	merged_into uuid,
	created_at timestamptz NOT NULL DEFAULT now(),
	touched_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT carts_status CHECK (
		status IN ('open', 'ordered', 'merged')
		AND (status = 'ordered') = (order_id IS NOT NULL)
		AND (status = 'merged') = (merged_into IS NOT NULL)
	)
);

CREATE UNIQUE INDEX carts_open ON carts (user_id) WHERE status = 'open';
-- For the erasure of deleted users.
CREATE INDEX carts_user ON carts (user_id) WHERE user_id IS NOT NULL;
-- For their removal, and for the number of open ones.
CREATE INDEX carts_touched ON carts (touched_at) INCLUDE (status);

CREATE TABLE cart_items (
	cart_id uuid NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
	product_id text NOT NULL,
	quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
	-- Lines are shown and ordered by it. It may have gaps.
	position integer NOT NULL,
	-- As the product was when the line was last put.
	price_minor bigint NOT NULL CHECK (price_minor >= 0),
	name text NOT NULL,
	options jsonb,
	PRIMARY KEY (cart_id, product_id)
);

-- The cart of an order; it may have been removed since. Unique: a cart has one order.
ALTER TABLE orders ADD COLUMN cart_id uuid;
CREATE UNIQUE INDEX orders_cart ON orders (cart_id) WHERE cart_id IS NOT NULL;
