-- Trace context of the work that has caused the event, in the form of W3C's header; null without a trace.
ALTER TABLE outbox ADD COLUMN traceparent text;
