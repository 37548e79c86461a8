-- Refunds of an order, each of a part of it: see services/orders/functions/record_refund.sql. An order that was refunded
-- before has none.
CREATE TABLE refunds (
	id uuid PRIMARY KEY,
	order_id uuid NOT NULL REFERENCES orders (id),
	-- From 1, in the order in which they were recorded.
	sequence integer NOT NULL CHECK (sequence > 0),
	-- Sum of the amounts of its lines, of shipping, and of the amount for neither.
	amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
	shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
	other_minor bigint NOT NULL CHECK (other_minor >= 0),
	-- pending: the provider has not given the money back yet; refunded: it has, or there was none to give; refused: it
	-- never will; manual: it cannot, so a person must.
	status text NOT NULL CHECK (status IN ('pending', 'refunded', 'refused', 'manual')),
	-- True if it is the first and gives back everything. Its money is then returned by the job of its payment, and its
	-- units by that of the order, as processes of the version before do; otherwise by jobs of its own.
	is_whole boolean NOT NULL,
	-- True if its units go back on sale.
	restock boolean NOT NULL,
	-- True once products has put them back; from then on it may fold its ledger entry. Unused if `is_whole`.
	restock_done boolean NOT NULL DEFAULT false,
	reason text,
	-- `admin:1`.
	actor text NOT NULL,
	-- The payment that is given back; null if no payment was made.
	payment_reference text REFERENCES payments (reference),
	-- Id of the request with an Idempotency-Key that made it: its repetition returns the same one.
	key_id text UNIQUE,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (order_id, sequence)
);

CREATE INDEX refunds_payment ON refunds (payment_reference);
-- For the erasure of deleted users' orders.
CREATE INDEX refunds_personal ON refunds (order_id) WHERE reason IS NOT NULL;

CREATE TABLE refund_lines (
	refund_id uuid NOT NULL REFERENCES refunds (id),
	-- Of `order_lines`.
	line integer NOT NULL,
	quantity integer NOT NULL CHECK (quantity > 0),
	amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
	PRIMARY KEY (refund_id, line)
);

ALTER TABLE orders
	-- True once the fee of shipping was given back.
	ADD COLUMN shipping_refunded boolean NOT NULL DEFAULT false,
	ADD COLUMN carrier text,
	ADD COLUMN tracking_number text;

-- Units that were given back. 0 in orders that were refunded before.
ALTER TABLE order_lines ADD COLUMN refunded_quantity integer NOT NULL DEFAULT 0;
-- NOT VALID: rows of before fulfil it, so they need not be read while the table is locked. That no more money than was
-- paid is given back, `orders_priced` checks.
ALTER TABLE order_lines ADD CONSTRAINT order_lines_refunded CHECK (refunded_quantity BETWEEN 0 AND quantity) NOT VALID;

-- The conditions of the versions before imply this one, so their statements can use the index too.
DROP INDEX orders_personal;
CREATE INDEX orders_personal ON orders (user_id)
	WHERE shipping_address IS NOT NULL OR note IS NOT NULL OR address IS NOT NULL OR tracking_number IS NOT NULL;

-- Records of the sandbox provider, like sandbox_charges: what it gave back of each charge.
CREATE TABLE sandbox_refunds (
	-- Id under which the shop has requested it.
	id text PRIMARY KEY,
	reference text NOT NULL,
	amount_minor bigint NOT NULL CHECK (amount_minor > 0)
);

CREATE INDEX sandbox_refunds_reference ON sandbox_refunds (reference);

INSERT INTO sandbox_refunds (id, reference, amount_minor)
SELECT reference, reference, amount_minor FROM sandbox_charges WHERE status = 'refunded' AND amount_minor > 0;
