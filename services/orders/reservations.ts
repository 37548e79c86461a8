import type { Pool } from "pg";
import { callAction } from "../../contracts/actions.ts";
import type { ConsistencyCheck } from "../../events/consistency.ts";
import { NEWEST } from "../../events/consistency.ts";
import { type PendingOrder, unheldOrder } from "../../events/unheld-orders.ts";
import { isOlder, withAction } from "../../mixins/consistency.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { OrderStatements } from "./statements.ts";
import { type OrderStatus, UNITS_IN } from "./states.ts";

/** The orders service, as its functions use it. */
export interface OrderingService extends JobsService {
	statements: OrderStatements;
}

/**
 * Marks a reservation as abandoned unless an order uses it. A transaction in flight then fails on the unique id, so the
 * units can go back on sale.
 *
 * @returns True if no order uses it, nor ever will.
 */
export async function abandon(pool: Pool, reservation_id: string): Promise<boolean> {
	await pool.query("INSERT INTO reservations (id) VALUES ($1) ON CONFLICT DO NOTHING", [reservation_id]);
	const { rowCount } = await pool.query("SELECT FROM reservations WHERE id = $1 AND order_id IS NULL", [
		reservation_id,
	]);
	return rowCount === 1;
}

/** Returns the fate of expired holds, one for each reservation. A reservation without an order is abandoned. */
export async function settleReservations(pool: Pool, reservation_ids: string[]) {
	// Sorted, since concurrent calls may abandon the same reservations.
	await pool.query(
		"INSERT INTO reservations (id) SELECT id FROM unnest($1::uuid[]) AS settled (id) ORDER BY id ON CONFLICT DO NOTHING",
		[reservation_ids],
	);
	const { rows } = await pool.query<{ id: string; status: OrderStatus | null }>(
		"SELECT r.id, o.status FROM reservations r LEFT JOIN orders o ON o.id = r.order_id WHERE r.id = ANY ($1::uuid[])",
		[reservation_ids],
	);
	const fates = new Map(rows.map(({ id, status }) => [id, status === null ? "release" : UNITS_IN[status]]));
	return reservation_ids.map((id) => ({ reservation_id: id, fate: fates.get(id.toLowerCase()) ?? "keep" }));
}

/** Checks that the units that products has sold belong to orders. If not, orders was restored from an older copy. */
export const salesConsistent: ConsistencyCheck<JobsService> = withAction(
	"v1.products.newestSales",
	async function () {
		const { reservation_ids } = await callAction(this.broker, "v1.products.newestSales", {});
		const { rows } = await this.pool.query<{ id: string }>(
			"SELECT id FROM unnest($1::uuid[]) AS sold (id) WHERE NOT EXISTS (SELECT FROM reservations r WHERE r.id = sold.id) LIMIT 1",
			[reservation_ids],
		);
		return rows[0] && isOlder("orders", `products has sold the units of reservation ${rows[0].id}`);
	},
);

/** Returns at most 1000 pending orders, the latest expiry first. */
export async function pendingOrders(pool: Pool, among?: string[]): Promise<PendingOrder[]> {
	const { rows } = await pool.query<PendingOrder>(
		`SELECT o.number, r.id AS reservation_id,
			array(SELECT DISTINCT l.product_id FROM order_lines l WHERE l.order_id = o.id) AS product_ids
		FROM orders o JOIN reservations r ON r.order_id = o.id
		WHERE o.status = 'pending' AND ($1::uuid[] IS NULL OR r.id = ANY ($1))
		ORDER BY o.expires_at DESC LIMIT $2`,
		[among ?? null, NEWEST],
	);
	return rows;
}

/**
 * Checks that every pending order has its hold at products. If not, orders or products was restored from an older copy.
 */
export const pendingHeld: ConsistencyCheck<JobsService> = withAction("v1.products.unheld", function () {
	return unheldOrder(
		(among) => pendingOrders(this.pool, among),
		async (orders) => {
			const reservations = orders.map(({ reservation_id, product_ids }) => ({ reservation_id, product_ids }));
			return (await callAction(this.broker, "v1.products.unheld", { reservations })).reservation_ids;
		},
	);
});
