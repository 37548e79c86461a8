-- Events got a place in the sequence of their order's events: see events/tables/outbox.sql.
DROP FUNCTION IF EXISTS publish(jsonb);
DROP FUNCTION IF EXISTS event_id(text, text);
