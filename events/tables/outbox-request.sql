-- Id of the request that has caused the event, for logs; null if it was no request.
ALTER TABLE outbox ADD COLUMN request_id text;
