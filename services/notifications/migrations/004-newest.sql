-- In the order of the lists, so that a page is a range of the index.
DROP INDEX notifications_user;
DROP INDEX notifications_newest;
CREATE INDEX notifications_user ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_newest ON notifications (created_at DESC, id DESC);
