-- The last number of each series, `invoices` and `credit_notes`. Its row is locked by whoever gives the next numbers, and
-- changed in the transaction that writes them: no sequence of PostgreSQL, which leaves gaps.
CREATE TABLE invoice_counters (
	series text PRIMARY KEY,
	last bigint NOT NULL DEFAULT 0 CHECK (last >= 0),
	-- Orders paid before have no invoice until somebody reads it.
	since timestamptz NOT NULL DEFAULT now()
);

INSERT INTO invoice_counters (series) VALUES ('invoices'), ('credit_notes');

-- Invoices of paid orders. What an invoice says besides these columns never changes in a paid order.
CREATE TABLE invoices (
	order_id uuid PRIMARY KEY REFERENCES orders (id),
	-- From 1, without gaps.
	sequence bigint NOT NULL UNIQUE CHECK (sequence > 0),
	-- INVOICE_PREFIX and the sequence, in the sequence of payment.
	number text NOT NULL UNIQUE,
	-- INVOICE_SELLER when it was issued.
	seller text NOT NULL,
	-- When the order was paid.
	issued_at timestamptz NOT NULL
);

-- Paid orders that wait for their number, for about a second: see issue_invoices().
CREATE TABLE invoice_queue (
	order_id uuid PRIMARY KEY REFERENCES orders (id),
	paid_at timestamptz NOT NULL
);

CREATE INDEX invoice_queue_paid ON invoice_queue (paid_at, order_id);
