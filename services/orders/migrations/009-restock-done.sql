-- Whether products has put the units of a refunded order back on sale: from then on it may forget that it did.
ALTER TABLE orders ADD COLUMN restock_done boolean NOT NULL DEFAULT false;

UPDATE orders SET restock_done = true
WHERE restocked AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'restock:' || id);
