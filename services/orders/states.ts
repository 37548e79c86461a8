import type { z } from "zod";
import type { EventName } from "../../contracts/actions.ts";
import type { orderStatus } from "../../contracts/orders.ts";

export type OrderStatus = z.output<typeof orderStatus>;

/** The state in which every order begins: placed, its units held, not paid yet. */
export const INITIAL: OrderStatus = "pending";

/** A step in the life of an order. */
export interface Step {
	from: OrderStatus[];
	to: OrderStatus;
	/** Who may ask: the order's owner (and admins), only admins, or only the shop itself. */
	by: "owner" | "admin" | "shop";
	/** What the other services are told. */
	event: EventName;
	/** The job that settles the held units of an order from an earlier version; those of others follow the event. */
	stock?: "release_stock" | "consume_stock";
}

/** The life of an order: every step there is, from which states to which. Nothing else changes an order's state. */
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
	// The money goes back; the units only where the admin says that they are in the shop again.
	refund: { from: ["paid", "shipped", "completed"], to: "refunded", by: "admin", event: "order.refunded" },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof STEPS;

/** The states in which the units of an order are sold. */
export const SOLD: OrderStatus[] = ["paid", "shipped", "completed", "refunded"];

/** The states of an order that is paid and whose buyer has the goods or gets them. */
export const BOUGHT: OrderStatus[] = ["paid", "shipped", "completed"];

/** The states in which nobody brings an order to its buyer any more. */
export const SETTLED: OrderStatus[] = ["completed", "cancelled", "expired", "refunded"];
