import type { z } from "zod";
import type { reservationFate } from "../../contracts/orders.ts";
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
 * What is to become of a hold whose time is over. Where no order has it, its reservation is taken as abandoned first:
 * a transaction that is still on its way then fails on the unique id, so the units can go back on sale.
 */
export async function settleReservation(service: JobsService, reservation_id: string) {
	await service.pool.query("INSERT INTO reservations (id) VALUES ($1) ON CONFLICT DO NOTHING", [
		reservation_id,
	]);
	const { rows } = await service.pool.query<{ status: OrderStatus | null }>(
		"SELECT o.status FROM reservations r LEFT JOIN orders o ON o.id = r.order_id WHERE r.id = $1",
		[reservation_id],
	);
	const status = rows[0]?.status;
	return { fate: status ? FATES[status] : ("release" as const) };
}
