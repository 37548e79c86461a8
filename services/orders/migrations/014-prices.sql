-- What an order costs. Orders without discount, fee and tax, those of the version before among them, have no subtotal,
-- which then is the total, and their lines have no `paid_minor`, which then is price × quantity.
ALTER TABLE orders
	ADD COLUMN subtotal_minor bigint,
	-- On goods and shipping.
	ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
	-- Fee before its discount.
	ADD COLUMN shipping_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN shipping_discount_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN shipping_tax_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN shipping_paid_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN tax_minor bigint NOT NULL DEFAULT 0,
	-- TAX_RATE when it was placed, in hundredths of a percent, and PRICES_INCLUDE_TAX.
	ADD COLUMN tax_basis_points integer NOT NULL DEFAULT 0,
	ADD COLUMN tax_included boolean NOT NULL DEFAULT true,
	ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0;

ALTER TABLE order_lines
	ADD COLUMN options jsonb,
	ADD COLUMN category text,
	ADD COLUMN weight_g integer,
	ADD COLUMN requires_shipping boolean,
	ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN tax_minor bigint NOT NULL DEFAULT 0,
	ADD COLUMN paid_minor bigint;

-- NOT VALID: rows of before fulfil it, so they need not be read while the table is locked. place_order() compares the
-- lines.
ALTER TABLE orders ADD CONSTRAINT orders_priced CHECK (
	refunded_minor BETWEEN 0 AND total_minor AND (subtotal_minor IS NULL OR (
		discount_minor BETWEEN 0 AND subtotal_minor + shipping_minor
		AND shipping_discount_minor BETWEEN 0 AND least(shipping_minor, discount_minor)
		AND shipping_tax_minor BETWEEN 0 AND tax_minor
		AND shipping_paid_minor
			= shipping_minor - shipping_discount_minor + CASE WHEN tax_included THEN 0 ELSE shipping_tax_minor END
		AND total_minor
			= subtotal_minor - discount_minor + shipping_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END
	))
) NOT VALID;

ALTER TABLE order_lines ADD CONSTRAINT order_lines_priced CHECK (
	discount_minor >= 0 AND tax_minor >= 0 AND paid_minor >= 0
) NOT VALID;

UPDATE orders SET refunded_minor = total_minor WHERE status = 'refunded';
