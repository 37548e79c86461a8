-- State transitions of an order, for its owner, admins and the audit.
CREATE TABLE order_history (
	order_id uuid NOT NULL REFERENCES orders (id),
	status text NOT NULL,
	-- `user:7`, `admin:1` or `shop`.
	actor text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (order_id, status)
);

CREATE INDEX reservations_order ON reservations (order_id);

INSERT INTO order_history (order_id, status, actor, at) SELECT id, status, 'user:' || user_id, created_at FROM orders;
SELECT graphile_worker.add_job(
	'expire_order', json_build_object('order_id', id), run_at => expires_at, max_attempts => 32767,
	job_key => 'expire:' || id
) FROM orders WHERE status = 'pending';
