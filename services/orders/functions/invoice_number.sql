-- Returns the number of an invoice or credit note: the prefix and at least six digits.
CREATE OR REPLACE FUNCTION invoice_number(prefix text, sequence bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT prefix || lpad(sequence::text, greatest(6, length(sequence::text)), '0')
$$;
