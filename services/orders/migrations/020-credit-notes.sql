-- Credit notes of refunds. What a credit note says besides these columns never changes in a refund.
CREATE TABLE credit_notes (
	refund_id uuid PRIMARY KEY REFERENCES refunds (id),
	-- From 1, without gaps.
	sequence bigint NOT NULL UNIQUE CHECK (sequence > 0),
	-- `CN-`, INVOICE_PREFIX and the sequence.
	number text NOT NULL UNIQUE,
	-- INVOICE_SELLER when it was issued.
	seller text NOT NULL,
	-- When the refund was recorded.
	issued_at timestamptz NOT NULL
);

-- Refunds that wait for the number of their credit note: see issue_credit_notes().
CREATE TABLE credit_note_queue (
	refund_id uuid PRIMARY KEY REFERENCES refunds (id),
	refunded_at timestamptz NOT NULL
);

CREATE INDEX credit_note_queue_refunded ON credit_note_queue (refunded_at, refund_id);

INSERT INTO credit_note_queue (refund_id, refunded_at) SELECT id, created_at FROM refunds;
