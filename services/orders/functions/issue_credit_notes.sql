-- Gives numbers to up to `at_most` refunds that wait for the one of their credit note, in the sequence of the refunds. Returns
-- how many. A credit note corrects an invoice, so an order that was paid before there were invoices gets one now. Concurrent
-- runs wait for each other, as those of issue_invoices().
CREATE OR REPLACE FUNCTION issue_credit_notes(
	invoice_prefix text, prefix text, seller text, at_most integer, sold text[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	issued integer;
	uninvoiced uuid;
BEGIN
	IF NOT EXISTS (SELECT FROM credit_note_queue) THEN
		RETURN 0;
	END IF;
	PERFORM FROM invoice_counters ORDER BY series DESC FOR UPDATE;
	FOR uninvoiced IN
		SELECT DISTINCT r.order_id FROM credit_note_queue q JOIN refunds r ON r.id = q.refund_id
		WHERE NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = r.order_id)
		ORDER BY r.order_id
	LOOP
		-- It is the last one of the orders that wait.
		WHILE issue_invoices(invoice_prefix, seller, at_most, uninvoiced, sold) = at_most LOOP
		END LOOP;
	END LOOP;
	WITH due AS MATERIALIZED (
		SELECT refund_id, refunded_at, row_number() OVER (ORDER BY refunded_at, refund_id) AS place
		FROM credit_note_queue ORDER BY refunded_at, refund_id LIMIT at_most
	), counted AS (
		UPDATE invoice_counters SET last = last + (SELECT count(*) FROM due) WHERE series = 'credit_notes'
		RETURNING last - (SELECT count(*) FROM due) AS before
	), written AS (
		INSERT INTO credit_notes (refund_id, sequence, number, seller, issued_at)
		SELECT refund_id, before + place, invoice_number(prefix, before + place), issue_credit_notes.seller, refunded_at
		FROM due CROSS JOIN counted
	)
	DELETE FROM credit_note_queue q USING due WHERE q.refund_id = due.refund_id;
	GET DIAGNOSTICS issued = ROW_COUNT;
	RETURN issued;
END
$$;
