-- Other databases remember the ids of users, so none is ever issued twice, also not by a database that was restored from
-- an older copy. An id is at least the number of seconds since 2026-01-01: whatever a copy lacks was issued before now. That
-- holds while fewer than one user a second is registered on average; beyond, `npm run audit -- --accept-restore` raises the
-- sequence. A default and no trigger: rows that bring their ids keep them.
CREATE SEQUENCE user_ids AS integer OWNED BY users.id;

ALTER TABLE users ALTER COLUMN id DROP IDENTITY;
SELECT setval('user_ids', max(id)) FROM users HAVING count(*) > 0;
