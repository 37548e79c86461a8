-- Deadlines are columns, which any process sweeps, instead of scheduled jobs. The units of an order are settled by its
-- events, which products consumes. The id of an order is that of its reservation, so that an event of the order
-- identifies it.

-- Next time to ask the provider for the outcome of an open payment; every check postpones it.
ALTER TABLE payments ADD COLUMN check_at timestamptz;
ALTER TABLE payments ADD COLUMN checks integer NOT NULL DEFAULT 0;

UPDATE payments p SET check_at = coalesce(j.run_at, p.due_at)
FROM payments o LEFT JOIN graphile_worker._private_jobs j ON j.key = 'check:' || o.reference
WHERE p.reference = o.reference AND p.status = 'open';
ALTER TABLE payments ADD CONSTRAINT payments_checked CHECK (status <> 'open' OR check_at IS NOT NULL);

CREATE INDEX payments_due ON payments (check_at) WHERE status = 'open';
CREATE INDEX orders_due ON orders (expires_at) WHERE status = 'pending';

DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
WHERE t.id = j.task_id AND t.identifier IN ('expire_order', 'check_payment');

DROP TRIGGER IF EXISTS orders_begin ON orders;
DROP FUNCTION IF EXISTS begin_order();

-- For pruning: see services/orders/prune.ts.
CREATE INDEX reservations_abandoned ON reservations (created_at) WHERE order_id IS NULL;
CREATE INDEX provider_events_received ON provider_events (received_at);
