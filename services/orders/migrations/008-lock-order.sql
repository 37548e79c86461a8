-- The order of locks. A transaction that changes an order, or anything that belongs to one, locks in this sequence:
--   1. the row of `orders`; of several, by id
--   2. rows of `payments`
--   3. rows of `provider_events`
--   4. what follows: order_history, jobs, event_sequences
-- So transactions on one order wait for each other at its row, and never in a circle. Foreign keys count: inserting a
-- provider event locks the row of its payment. A function that is given the reference of a payment begins with
-- lock_payment().

-- When a step was made, and not when its transaction began to wait for the one before it.
ALTER TABLE order_history ALTER COLUMN at SET DEFAULT clock_timestamp();

-- A message of the provider is known with all that it said.
ALTER TABLE provider_events ADD COLUMN amount_minor bigint;
-- Only messages with the amount of their payment were ever noted.
UPDATE provider_events e SET amount_minor = p.amount_minor FROM payments p WHERE p.reference = e.reference;
ALTER TABLE provider_events ALTER COLUMN amount_minor SET NOT NULL;

-- Locks a payment after its order. All null where there is no such payment.
CREATE FUNCTION lock_payment(locked_reference text) RETURNS payments LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
BEGIN
	PERFORM FROM orders WHERE id = (SELECT order_id FROM payments WHERE reference = locked_reference) FOR UPDATE;
	SELECT * INTO payment FROM payments WHERE reference = locked_reference FOR UPDATE;
	RETURN payment;
END
$$;

DROP FUNCTION note_provider_event(text, text, text);

-- Locks the payment that a message of the provider is about, and notes the message; `provider_event` is its id, null where
-- the provider was asked instead. Answers `new`; `known` where the same message was noted before; `reused` where another
-- message was noted under its id; `unknown` or `differs` where there is no such payment, or of another amount. Only `new`
-- notes anything.
CREATE FUNCTION take_provider_event(
	provider_event text, told_type text, told_reference text, told_minor bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	payment payments := lock_payment(told_reference);
	noted provider_events;
	fault text := CASE
		WHEN payment.reference IS NULL THEN 'unknown' WHEN payment.amount_minor <> told_minor THEN 'differs'
	END;
BEGIN
	IF provider_event IS NULL THEN
		RETURN coalesce(fault, 'new');
	END IF;
	IF fault IS NULL THEN
		-- Of two with one id at the same moment the second waits here for the first.
		INSERT INTO provider_events (id, type, reference, amount_minor)
		VALUES (provider_event, told_type, told_reference, told_minor) ON CONFLICT DO NOTHING;
		IF FOUND THEN
			RETURN 'new';
		END IF;
	END IF;
	SELECT * INTO noted FROM provider_events WHERE id = provider_event;
	RETURN CASE
		WHEN noted.id IS NULL THEN fault
		WHEN (noted.type, noted.reference, noted.amount_minor) = (told_type, told_reference, told_minor) THEN 'known'
		ELSE 'reused'
	END;
END
$$;

-- Takes in that the money is here. Answers `paid`; `late` where the order cannot be paid any more and the money goes back;
-- `known` where this was taken in before; or what take_provider_event() refuses.
CREATE OR REPLACE FUNCTION settle_payment(
	settled_reference text, settled_minor bigint, provider_event text, payable text[], target text, event jsonb,
	stock_task text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text := take_provider_event(provider_event, 'payment.settled', settled_reference, settled_minor);
	payment payments;
BEGIN
	IF outcome <> 'new' THEN
		RETURN outcome;
	END IF;
	SELECT * INTO payment FROM payments WHERE reference = settled_reference;
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

-- Takes in that no money came; the order can be paid in another way. Answers `failed`; `known` where the payment is not
-- open any more; or what take_provider_event() refuses.
CREATE OR REPLACE FUNCTION fail_payment(failed_reference text, failed_minor bigint, provider_event text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text := take_provider_event(provider_event, 'payment.failed', failed_reference, failed_minor);
BEGIN
	IF outcome <> 'new' THEN
		RETURN outcome;
	END IF;
	UPDATE payments SET status = 'failed', updated_at = now() WHERE reference = failed_reference AND status = 'open';
	RETURN CASE WHEN FOUND THEN 'failed' ELSE 'known' END;
END
$$;

-- As before; an order of nothing was paid without a payment, and no money goes back.
CREATE OR REPLACE FUNCTION refund_order(
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
	IF going_back IS NOT NULL THEN
		PERFORM graphile_worker.add_job(
			'refund_payment', json_build_object('reference', going_back), max_attempts => 32767,
			job_key => 'refund:' || going_back
		);
	END IF;
	IF restock THEN
		PERFORM graphile_worker.add_job(
			'restock_order', json_build_object('order_id', refunded), max_attempts => 32767,
			job_key => 'restock:' || refunded
		);
	END IF;
	RETURN true;
END
$$;

-- As before, with the order locked first.
CREATE OR REPLACE FUNCTION note_refund(refunded_reference text, event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	payment payments := lock_payment(refunded_reference);
	found_order orders;
BEGIN
	IF payment.status IS DISTINCT FROM 'refunding' THEN
		RETURN;
	END IF;
	UPDATE payments SET status = 'refunded', updated_at = now() WHERE reference = refunded_reference;
	IF NOT payment.is_late THEN
		RETURN;
	END IF;
	SELECT * INTO found_order FROM orders WHERE id = payment.order_id;
	PERFORM publish(event->>'name', (event->>'version')::integer, 'order:' || found_order.id, jsonb_build_object(
		'order_id', found_order.id, 'number', found_order.number, 'user_id', found_order.user_id,
		'status', found_order.status, 'amount_minor', payment.amount_minor, 'currency', found_order.currency
	));
END
$$;
