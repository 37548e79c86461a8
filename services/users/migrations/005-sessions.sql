ALTER TABLE users
	-- Access tokens with a lower version are revoked; `revoked_at` is the time of the last increment.
	ADD COLUMN session_version integer NOT NULL DEFAULT 1,
	ADD COLUMN revoked_at timestamptz,
	-- New address of the user, until its owner confirms it.
	ADD COLUMN pending_email varchar(255);

CREATE INDEX users_revoked ON users (revoked_at) WHERE revoked_at IS NOT NULL;

-- Table of rate-limiter-flexible: recent attempts; `expire` in milliseconds since 1970.
CREATE TABLE login_attempts (
	key varchar(255) PRIMARY KEY,
	points integer NOT NULL DEFAULT 0,
	expire bigint
);
