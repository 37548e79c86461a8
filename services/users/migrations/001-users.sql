CREATE TABLE users (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email varchar(255) NOT NULL,
	username varchar(100) NOT NULL,
	password_hash text NOT NULL,
	full_name varchar(200) NOT NULL,
	role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
	is_active boolean NOT NULL DEFAULT true,
	is_verified boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

-- Addresses and names are compared case-insensitively.
CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE UNIQUE INDEX users_username ON users (lower(username));

-- Ed25519 keys that sign access tokens. The private half is encrypted with a key derived from TOKO_SECRET.
CREATE TABLE signing_keys (
	kid text PRIMARY KEY,
	public_jwk jsonb NOT NULL,
	private_key bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- A login begins a family; each refresh replaces its newest token. Only the SHA-256 of a token is stored.
CREATE TABLE refresh_tokens (
	token_hash bytea PRIMARY KEY,
	family_id uuid NOT NULL,
	user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	used_at timestamptz,
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
