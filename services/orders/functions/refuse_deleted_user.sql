-- A deleted user's access token may still be taken for good by a node that has not heard yet. No order comes of it,
-- whichever function and process inserts it.
CREATE OR REPLACE FUNCTION refuse_deleted_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM deleted_users WHERE user_id = NEW.user_id) THEN
		RAISE EXCEPTION 'user % is deleted', NEW.user_id
			USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_user_not_deleted';
	END IF;
	RETURN NEW;
END
$$;

DO $$
BEGIN
	IF NOT EXISTS (
		SELECT FROM pg_trigger WHERE tgname = 'orders_user_not_deleted' AND tgrelid = 'orders'::regclass
	) THEN
		CREATE TRIGGER orders_user_not_deleted BEFORE INSERT ON orders
			FOR EACH ROW EXECUTE FUNCTION refuse_deleted_user();
	END IF;
END
$$;
