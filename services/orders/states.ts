import type { z } from "zod";
import type { EventName } from "../../contracts/actions.ts";
import type { orderStatus } from "../../contracts/orders.ts";

export type OrderStatus = z.output<typeof orderStatus>;

/** Initial state of an order: placed, its units held, not paid yet. */
export const INITIAL: OrderStatus = "pending";

/** A state transition of an order. */
export interface Step {
	from: OrderStatus[];
	to: OrderStatus;
	/** Required role: the order's owner (or an admin), an admin, or the shop itself. */
	by: "owner" | "admin" | "shop";
	/** The event that is published. */
	event: EventName;
	/** Job that settles the held units of an order of an earlier version; for other orders, the event does. */
	stock?: "release_stock" | "consume_stock";
}

/** All state transitions of an order. Nothing else changes an order's state. */
export const STEPS = {
	pay: { from: ["pending"], to: "paid", by: "owner", event: "order.paid", stock: "consume_stock" },
	cancel: {
		from: ["pending"],
		to: "cancelled",
		by: "owner",
		event: "order.cancelled",
		stock: "release_stock",
	},
	expire: { from: ["pending"], to: "expired", by: "shop", event: "order.expired", stock: "release_stock" },
	ship: { from: ["paid"], to: "shipped", by: "admin", event: "order.shipped" },
	complete: { from: ["shipped"], to: "completed", by: "admin", event: "order.completed" },
	// Refunds the money; the units are restocked only if the admin requests it.
	refund: { from: ["paid", "shipped", "completed"], to: "refunded", by: "admin", event: "order.refunded" },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;

/** States in which the units of an order are sold. */
export const SOLD: OrderStatus[] = ["paid", "shipped", "completed", "refunded"];

/** States of a paid order whose buyer has received the goods or will. */
export const BOUGHT: OrderStatus[] = ["paid", "shipped", "completed"];

/** States in which an order needs no more delivery. */
export const SETTLED: OrderStatus[] = ["completed", "cancelled", "expired", "refunded"];
