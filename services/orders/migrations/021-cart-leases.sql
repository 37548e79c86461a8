-- Until when an attempt to order the cart keeps others from it; null or past if there is none.
ALTER TABLE carts ADD COLUMN ordering_until timestamptz;
