-- Deleted users, whose addresses and notes are erased when their orders are settled.
CREATE TABLE deleted_users (
	user_id integer PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now()
);
