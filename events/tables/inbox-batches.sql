-- When an event was passed over: no stream brings it any more some time later.
ALTER TABLE inbox_gaps ADD COLUMN passed_at timestamptz NOT NULL DEFAULT now();
