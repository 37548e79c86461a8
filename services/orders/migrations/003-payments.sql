-- Payments requested from customers, and their outcome.
CREATE TABLE payments (
	-- Id of the payment at the provider and in its webhooks.
	reference text PRIMARY KEY,
	order_id uuid NOT NULL REFERENCES orders (id),
	method text NOT NULL,
	-- In minor units of the currency.
	amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
	-- open: requested; settled: received, and the order is paid by it; failed: not received; refunding, refunded: refund
	-- in progress, done.
	status text NOT NULL CHECK (status IN ('open', 'settled', 'failed', 'refunding', 'refunded')),
	-- True if it was received when its order could not be paid any more.
	is_late boolean NOT NULL DEFAULT false,
	due_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payments_order ON payments (order_id);
-- A repeated request returns the same payment.
CREATE UNIQUE INDEX payments_open ON payments (order_id, method) WHERE status = 'open';
-- No order is paid twice.
CREATE UNIQUE INDEX payments_settled ON payments (order_id) WHERE status = 'settled';

-- Events of the provider, deduplicated by id.
CREATE TABLE provider_events (
	id text PRIMARY KEY,
	reference text NOT NULL REFERENCES payments (reference),
	type text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now()
);

-- True if the units of a refunded order went back on sale.
ALTER TABLE orders ADD COLUMN restocked boolean NOT NULL DEFAULT false;

-- Records of the sandbox provider, which stand for those of a payment company: never written in a transaction of the
-- shop.
CREATE TABLE sandbox_charges (
	reference text PRIMARY KEY,
	amount_minor bigint NOT NULL,
	status text NOT NULL CHECK (status IN ('settled', 'cancelled', 'refunded'))
);
