-- What a customer was asked to pay, and what became of it.
CREATE TABLE payments (
	-- What the provider and its webhooks call it.
	reference text PRIMARY KEY,
	order_id uuid NOT NULL REFERENCES orders (id),
	method text NOT NULL,
	-- In the currency's smallest unit.
	amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
	-- open: asked for; settled: the money is here and the order is paid by it; failed: no money came;
	-- refunding, refunded: the money goes back, has gone back.
	status text NOT NULL CHECK (status IN ('open', 'settled', 'failed', 'refunding', 'refunded')),
	-- It came when its order could not be paid any more, so it was never the order's.
	is_late boolean NOT NULL DEFAULT false,
	due_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payments_order ON payments (order_id);
-- Asking twice is one payment.
CREATE UNIQUE INDEX payments_open ON payments (order_id, method) WHERE status = 'open';
-- Nobody pays twice.
CREATE UNIQUE INDEX payments_settled ON payments (order_id) WHERE status = 'settled';

-- What the provider told us, each thing once.
CREATE TABLE provider_events (
	id text PRIMARY KEY,
	reference text NOT NULL REFERENCES payments (reference),
	type text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now()
);

-- Opens a payment for an order that can still be paid, or answers the open one. A job asks the provider what became of
-- it, at `check_at` or when it is due. No row: the order is not there, not theirs or cannot be paid.
CREATE FUNCTION open_payment(
	paid_order uuid, owner integer, payable text[], new_reference text, new_method text,
	check_at timestamptz
) RETURNS SETOF payments LANGUAGE plpgsql AS $$
DECLARE
	found_order orders;
	opened payments;
BEGIN
	SELECT * INTO found_order FROM orders
	WHERE id = paid_order AND (owner IS NULL OR user_id = owner) AND status = ANY (payable) FOR UPDATE;
	IF found_order.id IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO opened FROM payments WHERE order_id = paid_order AND method = new_method AND status = 'open';
	IF opened.reference IS NULL THEN
		INSERT INTO payments (reference, order_id, method, amount_minor, status, due_at)
		VALUES (new_reference, paid_order, new_method, found_order.total_minor, 'open', found_order.expires_at)
		RETURNING * INTO opened;
		PERFORM graphile_worker.add_job(
			'check_payment', json_build_object('reference', new_reference),
			run_at => coalesce(check_at, opened.due_at), max_attempts => 32767, job_key => 'check:' || new_reference
		);
	END IF;
	RETURN NEXT opened;
END
$$;

-- Takes in that the money is here. `provider_event` is the id of the provider's message, null where it was asked.
-- Answers `paid`; `late` where the order cannot be paid any more and the money goes back; `known` where this was taken
-- in before; `unknown` or `differs` where there is no such payment, or of another amount.
CREATE FUNCTION settle_payment(
	settled_reference text, settled_minor bigint, provider_event text, payable text[], target text, event jsonb,
	stock_task text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
BEGIN
	SELECT * INTO payment FROM payments WHERE reference = settled_reference;
	IF payment.reference IS NULL THEN
		RETURN 'unknown';
	END IF;
	IF payment.amount_minor <> settled_minor THEN
		RETURN 'differs';
	END IF;
	IF NOT note_provider_event(provider_event, settled_reference, 'payment.settled') THEN
		RETURN 'known';
	END IF;
	-- Whoever changes an order and its payments takes the order first.
	PERFORM FROM orders WHERE id = payment.order_id FOR UPDATE;
	SELECT * INTO payment FROM payments WHERE reference = settled_reference FOR UPDATE;
	IF payment.status NOT IN ('open', 'failed') THEN
		RETURN 'known';
	END IF;
	IF move_order(payment.order_id, NULL, payable, target, 'payment:' || settled_reference, event, stock_task) THEN
		UPDATE payments SET status = 'settled', updated_at = now() WHERE reference = settled_reference;
		RETURN 'paid';
	END IF;
	UPDATE payments SET status = 'refunding', is_late = true, updated_at = now() WHERE reference = settled_reference;
	PERFORM graphile_worker.add_job(
		'refund_payment', json_build_object('reference', settled_reference), max_attempts => 32767,
		job_key => 'refund:' || settled_reference
	);
	RETURN 'late';
END
$$;

-- Takes in that no money came; the order can be paid in another way. Answers as settle_payment, or `failed`.
CREATE FUNCTION fail_payment(failed_reference text, failed_minor bigint, provider_event text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
BEGIN
	SELECT * INTO payment FROM payments WHERE reference = failed_reference;
	IF payment.reference IS NULL THEN
		RETURN 'unknown';
	END IF;
	IF payment.amount_minor <> failed_minor THEN
		RETURN 'differs';
	END IF;
	IF NOT note_provider_event(provider_event, failed_reference, 'payment.failed') THEN
		RETURN 'known';
	END IF;
	UPDATE payments SET status = 'failed', updated_at = now() WHERE reference = failed_reference AND status = 'open';
	RETURN CASE WHEN FOUND THEN 'failed' ELSE 'known' END;
END
$$;

-- Whether this message of the provider is new. Of two at the same moment the second waits for the first.
CREATE FUNCTION note_provider_event(provider_event text, told_reference text, told_type text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF provider_event IS NULL THEN
		RETURN true;
	END IF;
	INSERT INTO provider_events (id, reference, type) VALUES (provider_event, told_reference, told_type)
	ON CONFLICT DO NOTHING;
	RETURN FOUND;
END
$$;

-- Moves an order to where its money goes back, with the jobs that give back the money and, where asked, the units.
CREATE FUNCTION refund_order(
	refunded uuid, allowed text[], target text, actor text, event jsonb, restock boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	going_back text;
BEGIN
	IF NOT move_order(refunded, NULL, allowed, target, actor, event, NULL) THEN
		RETURN false;
	END IF;
	UPDATE orders SET restocked = restock WHERE id = refunded;
	UPDATE payments SET status = 'refunding', updated_at = now()
	WHERE order_id = refunded AND status = 'settled' RETURNING reference INTO going_back;
	PERFORM graphile_worker.add_job(
		'refund_payment', json_build_object('reference', going_back), max_attempts => 32767,
		job_key => 'refund:' || going_back
	);
	IF restock THEN
		PERFORM graphile_worker.add_job(
			'restock_order', json_build_object('order_id', refunded), max_attempts => 32767,
			job_key => 'restock:' || refunded
		);
	END IF;
	RETURN true;
END
$$;

-- Notes that the money has gone back. Where it came too late the customer is told; who got a refund knows already.
CREATE FUNCTION note_refund(refunded_reference text, event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
	found_order orders;
BEGIN
	UPDATE payments SET status = 'refunded', updated_at = now()
	WHERE reference = refunded_reference AND status = 'refunding' RETURNING * INTO payment;
	IF payment.reference IS NULL OR NOT payment.is_late THEN
		RETURN;
	END IF;
	SELECT * INTO found_order FROM orders WHERE id = payment.order_id;
	PERFORM publish(event || jsonb_build_object(
		'id', event_id(event->>'name', refunded_reference),
		'data', jsonb_build_object(
			'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
			'status', found_order.status, 'amount_minor', payment.amount_minor, 'currency', found_order.currency
		)
	));
END
$$;

-- Whether the units of a refunded order went back on sale.
ALTER TABLE orders ADD COLUMN restocked boolean NOT NULL DEFAULT false;

-- The sandbox provider's own books, as a payment company keeps them elsewhere: never written in a transaction of the
-- shop.
CREATE TABLE sandbox_charges (
	reference text PRIMARY KEY,
	amount_minor bigint NOT NULL,
	status text NOT NULL CHECK (status IN ('settled', 'cancelled', 'refunded'))
);
