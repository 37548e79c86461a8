-- Ids of users are never reused, not even by a database restored from an older copy, because other databases refer to
-- them. An id is at least the number of seconds since 2026-01-01, so it is higher than all ids that a copy may lack.
-- That holds while on average fewer than one user a second registers; beyond that, `npm run audit -- --accept-restore`
-- raises the sequence. A default instead of a trigger, so that rows inserted with an id keep it.
CREATE SEQUENCE user_ids AS integer OWNED BY users.id;

ALTER TABLE users ALTER COLUMN id DROP IDENTITY;
SELECT setval('user_ids', max(id)) FROM users HAVING count(*) > 0;
