-- For the newest positions of orders or users, and for expired positions: see events/inbox-rows.ts.
CREATE INDEX inbox_newest_orders ON inbox (taken_at DESC) WHERE starts_with(aggregate, 'order:');
CREATE INDEX inbox_newest_users ON inbox (taken_at DESC) WHERE starts_with(aggregate, 'user:');
-- For expired records of skipped events.
CREATE INDEX inbox_gaps_passed ON inbox_gaps (passed_at);
