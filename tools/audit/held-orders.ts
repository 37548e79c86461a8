import type { Snapshot } from "../../database/audit.ts";
import { INITIAL, type OrderStatus, SOLD } from "../../services/orders/states.ts";
import { type Restocks, readRestocks } from "./ledger.ts";

/** A line of an order that is pending or has a hold. */
export interface HeldLine extends Record<string, unknown> {
	reservation_id: string;
	number: string;
	status: OrderStatus;
	product_id: string;
	quantity: number;
	/** Milliseconds since the Unix epoch. */
	created_ms: number;
	expires_ms: number | null;
	is_settled_soon: boolean;
}

/** Units of sold orders that no longer have a hold. */
interface Sold extends Record<string, unknown> {
	product_id: string;
	quantity: number;
	/** Number of these units in orders placed since the products were read. */
	since: number;
}

/** Data of orders by which products are checked. */
export interface Orders {
	/** Sold units by product; one entry for each product ever ordered. */
	sold: Map<string, Sold>;
	/** Lines by product and reservation. */
	lines: Map<string, HeldLine>;
	/** Order numbers of `lines`, by reservation. */
	numbers: Map<string, string>;
	restocks: Restocks;
}

/** Filters for reading orders. */
export interface OrderFilters {
	/** Ids of the reservations with a hold. */
	reservations: string[];
	/** Ids of the orders that ledgers refer to. */
	restocked: string[];
	/** Stream position that products has acknowledged. */
	acknowledged: number;
	/** Time on the orders server before the products were read. */
	since: string;
	/** Ids of the products to check; null for all. */
	only: string[] | null;
}

const IS_SOLD = "o.status = ANY ($1) AND h.id IS NULL";

/** Reads the orders that products are compared with. */
export async function readOrders(query: Snapshot, filters: OrderFilters): Promise<Orders> {
	const { reservations, restocked, acknowledged, since, only } = filters;
	const sold = await query<Sold>(
		`SELECT l.product_id, coalesce(sum(l.quantity) FILTER (WHERE ${IS_SOLD}), 0)::float8 AS quantity,
			coalesce(sum(l.quantity) FILTER (WHERE ${IS_SOLD} AND o.created_at >= $3::timestamptz), 0)::float8 AS since
		FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		LEFT JOIN (SELECT DISTINCT unnest($2::uuid[]) AS id) AS h ON h.id = r.id
		WHERE $4::text[] IS NULL OR l.product_id = ANY ($4)
		GROUP BY l.product_id`,
		[SOLD, reservations, since, only],
	);
	const lines = await query<HeldLine>(
		`SELECT r.id AS reservation_id, o.number, o.status, l.product_id, sum(l.quantity)::float8 AS quantity,
			extract(epoch FROM o.created_at)::float8 * 1000 AS created_ms,
			extract(epoch FROM o.expires_at)::float8 * 1000 AS expires_ms,
			EXISTS (SELECT FROM graphile_worker._private_jobs j WHERE j.key = 'stock:' || r.id) OR EXISTS (
				SELECT FROM outbox e WHERE e.aggregate = 'order:' || o.id
					AND (e.stream_sequence > $3 OR e.published_at IS NULL AND e.refusal IS NULL)
			) AS is_settled_soon
		FROM (
			SELECT id FROM orders WHERE status = $1 AND $4::text[] IS NULL
			UNION SELECT order_id FROM reservations WHERE id = ANY ($2)
		) AS wanted JOIN orders o USING (id) JOIN order_lines l ON l.order_id = o.id JOIN reservations r ON r.order_id = o.id
		GROUP BY r.id, o.id, l.product_id`,
		[INITIAL, reservations, acknowledged, only],
	);
	return {
		sold: new Map(sold.map((one) => [one.product_id, one])),
		lines: new Map(lines.map((line) => [`${line.product_id} ${line.reservation_id}`, line])),
		numbers: new Map(lines.map(({ reservation_id, number }) => [reservation_id, number])),
		restocks: await readRestocks(query, restocked),
	};
}
