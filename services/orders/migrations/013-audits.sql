-- The latest audit of the shop: see database/audit-record.ts. One row; `alive_at` is set while a scheduled audit runs.
CREATE TABLE audits (
	is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
	started_at timestamptz,
	alive_at timestamptz,
	finished_at timestamptz,
	duration_seconds double precision,
	breaches jsonb
);

INSERT INTO audits DEFAULT VALUES;
