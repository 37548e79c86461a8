-- Whose addresses and notes go when their orders are settled.
CREATE TABLE deleted_users (
	user_id integer PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now()
);
