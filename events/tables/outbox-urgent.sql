-- The waiting events that are published first while the machine is saturated: see events/outbox-rows.ts.
CREATE INDEX outbox_urgent ON outbox (position)
	WHERE published_at IS NULL AND refusal IS NULL AND name <> 'order.placed';
