import type { z } from "zod";
import type { EventName } from "../../contracts/actions.ts";
import type { orderStatus } from "../../contracts/order-schemas.ts";

export type OrderStatus = z.output<typeof orderStatus>;

/** Initial state of an order: placed, its units held until `expires_at`, not paid yet. */
export const INITIAL: OrderStatus = "pending";

/**
 * A state transition of an order, with all its effects. One transaction has them, in this sequence: the status, if the
 * order is still in `from`; the use of its voucher; an entry of its history; for `paid`, a row that waits for the number of
 * the invoice; the jobs that return money and units; the event. Products settles the units when it gets the event. An order
 * has one deadline, `expires_at`: it ends with the state `pending`.
 */
export interface Transition {
	from: OrderStatus[];
	to: OrderStatus;
	/** Required role: the order's owner (or an admin), an admin, or the shop itself. */
	by: "owner" | "admin" | "shop";
	/** The event that is published. */
	event: EventName;
	/** Fate of the units: held ones are sold or go back on sale; sold ones go back on sale if the admin requests it. */
	units?: "consume" | "release" | "restock on request";
	/** The use of its voucher is given back, by move_order(). */
	voucher?: "given back";
	/** Money of the order: a payment for it was settled, or is returned by a job. */
	money?: "received" | "returned";
}

/** All state transitions of an order. Nothing else changes an order's state. */
export const TRANSITIONS = {
	pay: {
		from: ["pending"],
		to: "paid",
		by: "owner",
		event: "order.paid",
		units: "consume",
		money: "received",
	},
	cancel: {
		from: ["pending"],
		to: "cancelled",
		by: "owner",
		event: "order.cancelled",
		units: "release",
		voucher: "given back",
	},
	expire: {
		from: ["pending"],
		to: "expired",
		by: "shop",
		event: "order.expired",
		units: "release",
		voucher: "given back",
	},
	ship: { from: ["paid"], to: "shipped", by: "admin", event: "order.shipped" },
	complete: { from: ["shipped"], to: "completed", by: "admin", event: "order.completed" },
	refund: {
		from: ["paid", "shipped", "completed"],
		to: "refunded",
		by: "admin",
		event: "order.refunded",
		units: "restock on request",
		money: "returned",
	},
} as const satisfies Record<string, Transition>;

export type TransitionName = keyof typeof TRANSITIONS;

/** States in which an order uses no voucher. */
export const VOUCHER_GIVEN_BACK: OrderStatus[] = Object.values<Transition>(TRANSITIONS)
	.filter(({ voucher }) => voucher === "given back")
	.map(({ to }) => to);

/** States in which the units of an order are sold. */
export const SOLD: OrderStatus[] = ["paid", "shipped", "completed", "refunded"];

/** States of a paid order whose buyer has received the goods or will. */
export const BOUGHT: OrderStatus[] = ["paid", "shipped", "completed"];

/** States in which an order needs no more delivery. */
export const SETTLED: OrderStatus[] = ["completed", "cancelled", "expired", "refunded"];

/** Fate of the held units of an order in each state, as its transitions decide it. */
export const UNITS_IN: Record<OrderStatus, "keep" | "consume" | "release"> = {
	pending: "keep",
	paid: TRANSITIONS.pay.units,
	cancelled: TRANSITIONS.cancel.units,
	expired: TRANSITIONS.expire.units,
	// Paid before: later transitions do not affect the hold.
	shipped: TRANSITIONS.pay.units,
	completed: TRANSITIONS.pay.units,
	refunded: TRANSITIONS.pay.units,
};
