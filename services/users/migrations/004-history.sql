-- For messages by SMS (E.164).
ALTER TABLE users
	ADD COLUMN phone text CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
	-- The row of a deleted user remains, without personal data, since orders refer to its id.
	ADD COLUMN deleted_at timestamptz;

-- Events of a user after the registration, one per row.
CREATE TABLE user_history (
	user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	event text NOT NULL,
	at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX user_history_newest ON user_history (user_id, event, at DESC);
