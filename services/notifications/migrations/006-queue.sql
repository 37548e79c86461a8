-- The row of a message is its entry in the queue; jobs no longer send messages.
ALTER TABLE notifications
	-- Time of the next attempt to send it.
	ADD COLUMN send_at timestamptz NOT NULL DEFAULT now(),
	-- Number of failed attempts since it was queued.
	ADD COLUMN tries integer NOT NULL DEFAULT 0,
	-- The lease of the process that sends it, and since when: see services/notifications/lease.ts.
	ADD COLUMN leased_by integer,
	ADD COLUMN leased_at timestamptz,
	-- True for a text message that is sent only if its user has a phone, which is not known yet; hidden until then.
	ADD COLUMN is_tentative boolean NOT NULL DEFAULT false;

CREATE INDEX notifications_due ON notifications (channel, send_at) WHERE status = 'queued' AND leased_by IS NULL;
CREATE INDEX notifications_leased ON notifications (leased_by) WHERE status = 'queued' AND leased_by IS NOT NULL;
CREATE INDEX notifications_failed ON notifications (id) WHERE status = 'failed' AND data IS NOT NULL;

-- Queues the text message of an event whose user may have a phone, in place of a job `queue_text` of the previous
-- version.
CREATE FUNCTION take_over_text(payload jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO notifications (id, event_id, user_id, type, channel, aggregate, data, history, is_tentative)
	SELECT md5(id || ' ' || type || ' sms')::uuid, id::uuid, user_id, type, 'sms', event->>'aggregate', event,
		jsonb_build_array(jsonb_build_object('status', 'queued', 'at', now())), true
	FROM (
		SELECT payload->'event' AS event, payload->'event'->>'id' AS id, payload->>'type' AS type,
			(payload->'event'->'data'->>'user_id')::integer AS user_id
	) AS given
	ON CONFLICT DO NOTHING
$$;

-- During a rolling update, messages queued by processes of the previous version are sent from the row only: their jobs
-- would send them a second time.
CREATE FUNCTION drop_earlier_job() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	task text := (SELECT identifier FROM graphile_worker._private_tasks WHERE id = NEW.task_id);
BEGIN
	IF task = 'queue_text' THEN
		PERFORM take_over_text(NEW.payload::jsonb);
	END IF;
	RETURN CASE WHEN task IN ('queue_text', 'send_email', 'send_sms') THEN NULL ELSE NEW END;
END
$$;

CREATE TRIGGER drop_earlier_job BEFORE INSERT ON graphile_worker._private_jobs
	FOR EACH ROW EXECUTE FUNCTION drop_earlier_job();

-- Pending jobs. Those that a process is running get time to finish: it marks the messages that it sends, and only the
-- others remain for the queue.
WITH jobs AS (
	DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
	WHERE t.id = j.task_id AND t.identifier IN ('queue_text', 'send_email', 'send_sms')
	RETURNING t.identifier AS task, j.payload::jsonb AS payload, j.attempts, j.run_at, j.locked_at
), sent AS (
	UPDATE notifications n SET tries = j.attempts,
		send_at = CASE WHEN j.locked_at IS NULL THEN j.run_at ELSE now() + interval '1 minute' END
	FROM jobs j WHERE j.task LIKE 'send\_%' AND n.id::text = j.payload->>'id' AND n.status = 'queued'
)
SELECT count(take_over_text(payload)) FROM jobs WHERE task = 'queue_text';
