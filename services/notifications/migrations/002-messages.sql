-- A message is recorded in the transaction that handles its event, before its recipient and content are known.
ALTER TABLE notifications
	ADD COLUMN aggregate text NOT NULL DEFAULT '',
	-- Data of the message, deleted once it is sent.
	ADD COLUMN data jsonb,
	ALTER COLUMN recipient DROP NOT NULL,
	ALTER COLUMN subject DROP NOT NULL,
	DROP COLUMN body,
	DROP CONSTRAINT notifications_event_id_channel_recipient_key,
	ADD UNIQUE (event_id, type, channel),
	DROP CONSTRAINT notifications_status_check,
	-- failed: the recipient's server has rejected it permanently; all other errors are retried until it is sent.
	ADD CHECK (status IN ('queued', 'sent', 'failed'));

CREATE INDEX notifications_aggregate ON notifications (aggregate);
