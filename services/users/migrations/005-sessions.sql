ALTER TABLE users
	-- Access tokens with a smaller version count no more; `revoked_at` is when it last grew.
	ADD COLUMN session_version integer NOT NULL DEFAULT 1,
	ADD COLUMN revoked_at timestamptz,
	-- Where the user's mail goes once its owner has agreed.
	ADD COLUMN pending_email varchar(255);

CREATE INDEX users_revoked ON users (revoked_at) WHERE revoked_at IS NOT NULL;

-- Of rate-limiter-flexible: how often a password was tried lately; `expire` in milliseconds since 1970.
CREATE TABLE login_attempts (
	key varchar(255) PRIMARY KEY,
	points integer NOT NULL DEFAULT 0,
	expire bigint
);
