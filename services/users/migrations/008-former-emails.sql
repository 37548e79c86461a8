-- Addresses that users had, for those mails that go to whoever the account belonged to when something happened to it.
CREATE TABLE former_emails (
	user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	email varchar(255) NOT NULL,
	until timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX former_emails_user ON former_emails (user_id, until);
