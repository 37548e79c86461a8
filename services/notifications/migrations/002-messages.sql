-- A message is noted down in the transaction that takes its event in, before it is known where it goes and what it says.
ALTER TABLE notifications
	ADD COLUMN aggregate text NOT NULL DEFAULT '',
	-- What the message is made of, until it is sent; then the customer has it.
	ADD COLUMN data jsonb,
	ALTER COLUMN recipient DROP NOT NULL,
	ALTER COLUMN subject DROP NOT NULL,
	DROP COLUMN body,
	DROP CONSTRAINT notifications_event_id_channel_recipient_key,
	ADD UNIQUE (event_id, type, channel),
	DROP CONSTRAINT notifications_status_check,
	-- failed: the recipient's server refused it for good; everything else is tried until it is sent.
	ADD CHECK (status IN ('queued', 'sent', 'failed'));

CREATE INDEX notifications_aggregate ON notifications (aggregate);
