-- What a customer was asked to pay, and what became of it.
CREATE TABLE payments (
	-- What the provider and its webhooks call it.
	reference text PRIMARY KEY,
	order_id uuid NOT NULL REFERENCES orders (id),
	method text NOT NULL,
	-- In the currency's smallest unit.
	amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
	-- open: asked for; settled: the money is here and the order is paid by it; failed: no money came;
	-- refunding, refunded: the money goes back, has gone back.
	status text NOT NULL CHECK (status IN ('open', 'settled', 'failed', 'refunding', 'refunded')),
	-- It came when its order could not be paid any more, so it was never the order's.
	is_late boolean NOT NULL DEFAULT false,
	due_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payments_order ON payments (order_id);
-- Asking twice is one payment.
CREATE UNIQUE INDEX payments_open ON payments (order_id, method) WHERE status = 'open';
-- Nobody pays twice.
CREATE UNIQUE INDEX payments_settled ON payments (order_id) WHERE status = 'settled';

-- What the provider told us, each thing once.
CREATE TABLE provider_events (
	id text PRIMARY KEY,
	reference text NOT NULL REFERENCES payments (reference),
	type text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now()
);

-- Whether the units of a refunded order went back on sale.
ALTER TABLE orders ADD COLUMN restocked boolean NOT NULL DEFAULT false;

-- The sandbox provider's own books, as a payment company keeps them elsewhere: never written in a transaction of the
-- shop.
CREATE TABLE sandbox_charges (
	reference text PRIMARY KEY,
	amount_minor bigint NOT NULL,
	status text NOT NULL CHECK (status IN ('settled', 'cancelled', 'refunded'))
);
