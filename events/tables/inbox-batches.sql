-- Time at which an event was skipped: some time later no stream delivers it any more.
ALTER TABLE inbox_gaps ADD COLUMN passed_at timestamptz NOT NULL DEFAULT now();
