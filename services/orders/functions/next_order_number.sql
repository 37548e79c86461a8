-- Returns the next order number, with all its digits: lpad() truncates, which gave the millionth order the number of
-- the hundred thousandth.
CREATE OR REPLACE FUNCTION next_order_number() RETURNS text LANGUAGE sql AS $$
	SELECT 'TK-' || lpad(given::text, greatest(6, length(given::text)), '0') FROM nextval('order_numbers') AS given
$$;

ALTER TABLE orders ALTER COLUMN number SET DEFAULT next_order_number();
