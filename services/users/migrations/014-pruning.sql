-- For what is pruned: see services/users/prune.ts.
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);
CREATE INDEX login_attempts_expire ON login_attempts (expire);
CREATE INDEX former_emails_until ON former_emails (until);
CREATE INDEX user_history_requests ON user_history (at) WHERE event ~ '_(requested|announced)$';

-- How many rows of user_history were pruned, so that the audit still accounts for each event of a user. Without a foreign
-- key, which would lock users; their rows are never deleted.
CREATE TABLE user_history_counts (
	user_id integer NOT NULL,
	event text NOT NULL,
	pruned integer NOT NULL,
	PRIMARY KEY (user_id, event)
);
