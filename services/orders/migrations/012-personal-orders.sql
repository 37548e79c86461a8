-- For the addresses and notes of deleted users: see services/orders/erasure.ts.
CREATE INDEX orders_personal ON orders (user_id) WHERE shipping_address IS NOT NULL OR note IS NOT NULL;
