-- Gives numbers to up to `at_most` paid orders that wait for one, in the sequence of their payments. Returns how many. An
-- order that was paid before there were invoices gets one if it is `wanted`. Concurrent runs wait for each other at the
-- counter; nothing that changes an order does, so payments do not wait for each other here.
CREATE OR REPLACE FUNCTION issue_invoices(
	prefix text, seller text, at_most integer, wanted uuid, sold text[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	issued integer;
BEGIN
	IF wanted IS NULL AND NOT EXISTS (SELECT FROM invoice_queue) THEN
		RETURN 0;
	END IF;
	-- The statements after this one see what the run before it has committed.
	PERFORM FROM invoice_counters WHERE series = 'invoices' FOR UPDATE;
	INSERT INTO invoice_queue (order_id, paid_at)
	SELECT id, now() FROM orders
	WHERE id = wanted AND status = ANY (sold) AND NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = orders.id)
	ON CONFLICT DO NOTHING;
	WITH due AS MATERIALIZED (
		SELECT order_id, paid_at, row_number() OVER (ORDER BY paid_at, order_id) AS place
		FROM invoice_queue ORDER BY paid_at, order_id LIMIT at_most
	), counted AS (
		UPDATE invoice_counters SET last = last + (SELECT count(*) FROM due) WHERE series = 'invoices'
		RETURNING last - (SELECT count(*) FROM due) AS before
	), written AS (
		INSERT INTO invoices (order_id, sequence, number, seller, issued_at)
		SELECT order_id, before + place, invoice_number(prefix, before + place), issue_invoices.seller, paid_at
		FROM due CROSS JOIN counted
		-- The foreign key locks the orders, by id as lock_payment.sql requires.
		ORDER BY order_id
	)
	DELETE FROM invoice_queue q USING due WHERE q.order_id = due.order_id;
	GET DIAGNOSTICS issued = ROW_COUNT;
	RETURN issued;
END
$$;
