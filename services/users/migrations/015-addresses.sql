-- Address books. Orders copy an address, so a change or the deletion of one concerns no order.
CREATE TABLE addresses (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	recipient text NOT NULL,
	phone text NOT NULL,
	line1 text NOT NULL,
	line2 text,
	city text NOT NULL,
	province text NOT NULL,
	postal_code text NOT NULL,
	country text NOT NULL,
	-- Id of the request with an Idempotency-Key that added the address: its repetition returns the same one.
	key_id text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (user_id, key_id)
);

-- A deleted user loses them: see services/users/functions/erase_addresses.sql.
