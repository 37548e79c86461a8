-- The order of locks. A transaction that changes an order, or anything that belongs to one, locks in this sequence:
--   1. the row of `orders`; of several, by id
--   2. rows of `payments`
--   3. rows of `provider_events`
--   4. rows of `voucher_limits`; of several, by id
--   5. what follows: order_lines, refunds, order_history, queues of numbers, jobs, event_sequences
-- A batch of new orders begins with their carts (lock_carts) and then their vouchers (lock_vouchers), each by id: nobody else
-- knows its orders yet. Whatever else changes a cart locks carts only, by id.
-- Numbering (issue_invoices, issue_credit_notes) begins with the rows of `invoice_counters`, which nothing else locks; of
-- orders and refunds it only takes the locks of foreign keys.
-- So transactions on one order wait for each other at its row, and never in a circle. Foreign keys count: inserting a
-- provider event locks the row of its payment. A function that is given the reference of a payment begins with
-- lock_payment().

-- Locks a payment after its order. Returns nulls if there is no such payment.
CREATE OR REPLACE FUNCTION lock_payment(locked_reference text) RETURNS payments LANGUAGE plpgsql AS $$
DECLARE
	payment payments;
BEGIN
	PERFORM FROM orders WHERE id = (SELECT order_id FROM payments WHERE reference = locked_reference) FOR UPDATE;
	SELECT * INTO payment FROM payments WHERE reference = locked_reference FOR UPDATE;
	RETURN payment;
END
$$;
