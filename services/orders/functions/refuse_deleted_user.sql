-- Rejects orders of a deleted user, whose access token may still be accepted by a node that has not been notified yet.
-- A trigger, so that it applies to every function and process.
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
