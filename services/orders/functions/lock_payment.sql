-- The order of locks. A transaction that changes an order, or anything that belongs to one, locks in this sequence:
--   1. the row of `orders`; of several, by id
--   2. rows of `payments`
--   3. rows of `provider_events`
--   4. what follows: order_history, jobs, event_sequences
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
