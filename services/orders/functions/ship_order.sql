-- Moves an order to the shipped state, and records by whom and under which number it is carried. Like move_order().
CREATE OR REPLACE FUNCTION ship_order(
	shipped uuid, allowed text[], target text, actor text, event jsonb, given_carrier text, given_number text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	UPDATE orders SET carrier = given_carrier, tracking_number = given_number
	WHERE id = shipped AND status = ANY (allowed);
	RETURN move_order(shipped, NULL, allowed, target, actor, event, NULL);
END
$$;
