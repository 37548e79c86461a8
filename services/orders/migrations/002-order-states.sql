-- What an order has been through, for its owner, the shopkeeper and the audit.
CREATE TABLE order_history (
	order_id uuid NOT NULL REFERENCES orders (id),
	status text NOT NULL,
	-- `user:7`, `admin:1` or `shop`.
	actor text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (order_id, status)
);

CREATE INDEX reservations_order ON reservations (order_id);

-- Every order begins its history when it is placed, and has a job for the moment at which it expires unpaid.
CREATE FUNCTION begin_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO order_history (order_id, status, actor) VALUES (NEW.id, NEW.status, 'user:' || NEW.user_id);
	PERFORM graphile_worker.add_job(
		'expire_order', json_build_object('order_id', NEW.id), run_at => NEW.expires_at, max_attempts => 32767,
		job_key => 'expire:' || NEW.id
	);
	RETURN NEW;
END
$$;

CREATE TRIGGER orders_begin AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION begin_order();

INSERT INTO order_history (order_id, status, actor, at) SELECT id, status, 'user:' || user_id, created_at FROM orders;
SELECT graphile_worker.add_job(
	'expire_order', json_build_object('order_id', id), run_at => expires_at, max_attempts => 32767,
	job_key => 'expire:' || id
) FROM orders WHERE status = 'pending';

-- The id of what happened to a subject; the same as eventId() of events/envelope.ts.
CREATE FUNCTION event_id(name text, subject text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT md5(name || ':' || subject)::uuid
$$;

-- Moves an order to its next state, if it is still in one of the states that the step starts from: of several who try
-- at the same moment one wins. The event and the job that settles the stock are part of the same transaction.
-- Answers whether this call was the one that moved it.
CREATE FUNCTION move_order(
	moved uuid, owner integer, allowed text[], target text, actor text, event jsonb, stock_task text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
BEGIN
	UPDATE orders SET status = target, updated_at = now()
	WHERE id = moved AND (owner IS NULL OR user_id = owner) AND status = ANY (allowed)
	RETURNING * INTO found_order;
	IF found_order.id IS NULL THEN
		RETURN false;
	END IF;
	INSERT INTO order_history (order_id, status, actor) VALUES (moved, target, actor);
	IF target <> 'expired' THEN
		PERFORM graphile_worker.remove_job('expire:' || moved);
	END IF;
	IF stock_task IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			stock_task, json_build_object('reservation_id', r.id), max_attempts => 32767, job_key => 'stock:' || r.id
		) FROM reservations r WHERE r.order_id = moved;
	END IF;
	PERFORM publish(event || jsonb_build_object(
		'id', event_id(event->>'name', moved::text),
		'data', jsonb_build_object(
			'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
			'total_minor', found_order.total_minor, 'currency', found_order.currency
		)
	));
	RETURN true;
END
$$;
