-- Erases the addresses of a user who is deleted. A trigger, so that it applies to processes of every version, also to those
-- that do not know addresses.
CREATE OR REPLACE FUNCTION erase_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM addresses WHERE user_id = NEW.id;
	RETURN NULL;
END
$$;

DO $$
BEGIN
	IF NOT EXISTS (
		SELECT FROM pg_trigger WHERE tgname = 'users_erase_addresses' AND tgrelid = 'users'::regclass
	) THEN
		CREATE TRIGGER users_erase_addresses AFTER UPDATE OF deleted_at ON users
			FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION erase_addresses();
	END IF;
END
$$;
