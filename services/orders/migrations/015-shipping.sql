-- Methods of shipping. `pickup` is built in.
CREATE TABLE shipping_methods (
	code text PRIMARY KEY CHECK (code <> 'pickup'),
	name text NOT NULL,
	-- [{country, province, postal_prefixes}]
	zones jsonb NOT NULL,
	-- [{up_to_g, fee_minor}]
	bands jsonb NOT NULL,
	per_extra_kg_minor bigint,
	free_from_minor bigint,
	eta_days integer,
	-- Id of the request with an Idempotency-Key that added it: its repetition returns the same one.
	key_id text UNIQUE,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE orders
	ADD COLUMN shipping_method text,
	-- The method as it was when the order was placed, without its zones.
	ADD COLUMN shipping_terms jsonb,
	ADD COLUMN address jsonb;

-- The condition of the version before implies this one, so its statements can use the index too.
DROP INDEX orders_personal;
CREATE INDEX orders_personal ON orders (user_id)
	WHERE shipping_address IS NOT NULL OR note IS NOT NULL OR address IS NOT NULL;
