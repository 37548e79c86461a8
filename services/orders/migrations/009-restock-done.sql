-- True once products has put the units of a refunded order back on sale; from then on it may fold its ledger entry.
ALTER TABLE orders ADD COLUMN restock_done boolean NOT NULL DEFAULT false;

UPDATE orders SET restock_done = true
WHERE restocked AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE key = 'restock:' || id);
