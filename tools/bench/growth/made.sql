-- Returns the orders of a shop that is one year old, by number. A number stands for the same order in every database;
-- ids are version 4 UUIDs. Orders are spread evenly over the year; every hundredth belongs to one frequent customer.
CREATE FUNCTION pg_temp.made_orders(
	first integer, last integer, of_first integer, of_last integer, until timestamptz, customers integer, frequent integer
) RETURNS TABLE (made integer, id uuid, user_id integer, placed_at timestamptz, states text[]) LANGUAGE sql AS $$
	SELECT n, overlay(overlay(md5('order ' || n) PLACING '4' FROM 13 FOR 1) PLACING '8' FROM 17 FOR 1)::uuid,
		CASE WHEN n % 100 = 0 THEN frequent ELSE 1 + ((hashint4(n)::bigint & 2147483647) % customers)::integer END,
		until - age,
		CASE
			WHEN age < interval '1 day' THEN ARRAY['pending', 'paid']
			WHEN age < interval '3 days' THEN ARRAY['pending', 'paid', 'shipped']
			WHEN n % 50 = 1 THEN ARRAY['pending', 'cancelled']
			WHEN n % 50 = 2 THEN ARRAY['pending', 'expired']
			WHEN n % 100 = 3 THEN ARRAY['pending', 'paid', 'shipped', 'refunded']
			ELSE ARRAY['pending', 'paid', 'shipped', 'completed']
		END
	FROM generate_series(first, last) AS n,
		LATERAL (SELECT interval '1 year' * (1 - (n - of_first + 1)::float8 / (of_last - of_first + 2))) AS placed (age)
$$;

-- Returns the time at which an order reached each of its states: paid after two minutes, shipped the next day,
-- completed after three.
CREATE FUNCTION pg_temp.state_at(placed_at timestamptz, place bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
	SELECT placed_at + (ARRAY['0', '2 minutes', '1 day', '3 days']::interval[])[place]
$$;
