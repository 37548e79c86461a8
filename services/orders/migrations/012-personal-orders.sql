-- For the erasure of deleted users' addresses and notes: see services/orders/erasure.ts.
CREATE INDEX orders_personal ON orders (user_id) WHERE shipping_address IS NOT NULL OR note IS NOT NULL;
