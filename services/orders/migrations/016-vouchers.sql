-- Limits of a voucher, shared by all codes of a promotion.
CREATE TABLE voucher_limits (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	promotion text UNIQUE,
	max_uses integer CHECK (max_uses >= 0),
	per_user integer CHECK (per_user > 0),
	-- Number of orders with this voucher that are neither cancelled nor expired: take_voucher() and move_order() count it.
	-- It exceeds max_uses only where an admin has lowered that.
	used integer NOT NULL DEFAULT 0 CHECK (used >= 0)
);

CREATE TABLE vouchers (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	-- In capitals: see contracts/vouchers.ts.
	code text NOT NULL UNIQUE,
	limits_id bigint NOT NULL REFERENCES voucher_limits (id),
	kind text NOT NULL CHECK (kind IN ('percent', 'amount', 'shipping')),
	-- Hundredths of a percent, or minor units.
	value bigint CHECK (value > 0),
	cap_minor bigint CHECK (cap_minor >= 0),
	min_subtotal_minor bigint CHECK (min_subtotal_minor >= 0),
	category text,
	starts_at timestamptz,
	ends_at timestamptz CHECK (ends_at > starts_at),
	-- Id of the request with an Idempotency-Key that added it: its repetition returns the same one.
	key_id text UNIQUE,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CHECK (kind = 'shipping' OR value IS NOT NULL),
	CHECK (kind <> 'percent' OR value <= 10000)
);

CREATE INDEX vouchers_limits ON vouchers (limits_id);
CREATE INDEX vouchers_newest ON vouchers (created_at DESC, id DESC);

ALTER TABLE orders
	ADD COLUMN voucher_code text,
	-- Of `voucher_limits`.
	ADD COLUMN voucher_limits_id bigint,
	-- The voucher as it was when the order was placed.
	ADD COLUMN voucher_terms jsonb;

-- The uses of each user.
CREATE INDEX orders_voucher ON orders (voucher_limits_id, user_id) WHERE voucher_limits_id IS NOT NULL;
