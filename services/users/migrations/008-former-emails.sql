-- Former addresses of users, for mails to the owner of an account at the time of an event.
CREATE TABLE former_emails (
	user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	email varchar(255) NOT NULL,
	until timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX former_emails_user ON former_emails (user_id, until);
