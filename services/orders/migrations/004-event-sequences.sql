-- Events are numbered per order: see events/tables/outbox.sql.
DROP FUNCTION IF EXISTS publish(jsonb);
DROP FUNCTION IF EXISTS event_id(text, text);
