import type { Pool } from "pg";
import type { z } from "zod";
import { callAction } from "../../contracts/actions.ts";
import type { reservationFate } from "../../contracts/orders.ts";
import type { Comparison } from "../../mixins/compared.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import type { OrderStatus } from "./states.ts";

const FATES: Record<OrderStatus, z.output<typeof reservationFate>> = {
	pending: "keep",
	paid: "consume",
	shipped: "consume",
	completed: "consume",
	// Whatever becomes of refunded units is decided by the refund: the hold was consumed when the order was paid.
	refunded: "consume",
	cancelled: "release",
	expired: "release",
};

/**
 * Takes a reservation as abandoned unless an order has it: a transaction that is still on its way then fails on the unique
 * id, so the units can go back on sale.
 *
 * @returns Whether no order has it, nor ever will.
 */
export async function abandon(pool: Pool, reservation_id: string): Promise<boolean> {
	await pool.query("INSERT INTO reservations (id) VALUES ($1) ON CONFLICT DO NOTHING", [reservation_id]);
	const { rowCount } = await pool.query("SELECT FROM reservations WHERE id = $1 AND order_id IS NULL", [
		reservation_id,
	]);
	return rowCount === 1;
}

/** What is to become of a hold whose time is over. Where no order has it, its reservation is abandoned. */
export async function settleReservation(service: JobsService, reservation_id: string) {
	if (await abandon(service.pool, reservation_id)) {
		return { fate: "release" as const };
	}
	const { rows } = await service.pool.query<{ status: OrderStatus }>(
		"SELECT o.status FROM reservations r JOIN orders o ON o.id = r.order_id WHERE r.id = $1",
		[reservation_id],
	);
	return { fate: FATES[(rows[0] as { status: OrderStatus }).status] };
}

/** Whatever products has sold, it was told to by orders. */
export const salesKnown: Comparison<JobsService> = {
	action: "v1.products.newestSales",
	async findAhead() {
		const { reservation_ids } = await callAction(this.broker, "v1.products.newestSales", {});
		const { rows } = await this.pool.query<{ id: string }>(
			"SELECT id FROM unnest($1::uuid[]) AS sold (id) WHERE NOT EXISTS (SELECT FROM reservations r WHERE r.id = sold.id) LIMIT 1",
			[reservation_ids],
		);
		return rows[0] && `products has sold the units of reservation ${rows[0].id}`;
	},
};
