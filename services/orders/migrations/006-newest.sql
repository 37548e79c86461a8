-- In the order of the lists, so that a page is a range of the index.
DROP INDEX orders_user;
DROP INDEX orders_newest;
CREATE INDEX orders_user ON orders (user_id, created_at DESC, id DESC);
CREATE INDEX orders_newest ON orders (created_at DESC, id DESC);
