-- Rejects orders and carts of a deleted user, whose access token may still be accepted by a node that has not been notified yet.
-- A trigger, so that it applies to every function and process.
CREATE OR REPLACE FUNCTION refuse_deleted_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM deleted_users WHERE user_id = NEW.user_id) THEN
		RAISE EXCEPTION 'user % is deleted', NEW.user_id
			USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_user_not_deleted';
	END IF;
	RETURN NEW;
END
$$;

DO $$
DECLARE
	owned text;
BEGIN
	FOREACH owned IN ARRAY ARRAY['orders', 'carts'] LOOP
		IF NOT EXISTS (
			SELECT FROM pg_trigger WHERE tgname = owned || '_user_not_deleted' AND tgrelid = owned::regclass
		) THEN
			EXECUTE format(
				'CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION refuse_deleted_user()',
				owned || '_user_not_deleted', owned
			);
		END IF;
	END LOOP;
END
$$;
