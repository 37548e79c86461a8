-- Handled events, for deduplication.
CREATE TABLE inbox (
	event_id uuid PRIMARY KEY,
	name text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now()
);

-- One row per message and recipient.
CREATE TABLE notifications (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	event_id uuid NOT NULL,
	user_id integer NOT NULL,
	type text NOT NULL,
	channel text NOT NULL,
	recipient text NOT NULL,
	subject text NOT NULL,
	body text NOT NULL,
	status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent')),
	history jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	sent_at timestamptz,
	UNIQUE (event_id, channel, recipient)
);

CREATE INDEX notifications_user ON notifications (user_id, created_at DESC, id);
CREATE INDEX notifications_newest ON notifications (created_at DESC, id);
