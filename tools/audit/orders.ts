import type { EventName } from "../../contracts/actions.ts";
import type { Snapshot } from "../../database/audit.ts";
import { INITIAL, type OrderStatus, TRANSITIONS } from "../../services/orders/states.ts";
import type { CheckResult } from "./finding.ts";
import type { Sources } from "./snapshot.ts";

/** The event published when an order enters each status. */
export const EVENT_OF_STATUS: Record<string, EventName> = {
	[INITIAL]: "order.placed",
	...Object.fromEntries(Object.values(TRANSITIONS).map(({ to, event }) => [to, event])),
};

/** The event of a refund that leaves money of its order. */
export const PARTLY_REFUNDED: EventName = "order.partly_refunded";

/** SQL condition: refund `r` of order `o` is not the one that gave back the rest, whose event is that of the status. */
export const IS_PARTLY = `(o.status <> '${TRANSITIONS.refund.to}'
	OR r.sequence < (SELECT max(other.sequence) FROM refunds other WHERE other.order_id = o.id))`;

/** Fields of orders that a query alone cannot check. */
export function checkOrders(sources: Sources): Promise<CheckResult[]> {
	return sources.snapshot("orders", async (query) => [await histories(query)]);
}

/** Tells whether a history follows the transitions of states.ts, from the initial status to the current one. */
export function isValidHistory(history: OrderStatus[], status: OrderStatus): boolean {
	return (
		history[0] === INITIAL &&
		history.at(-1) === status &&
		history
			.slice(1)
			.every((to, index) =>
				Object.values(TRANSITIONS).some(
					(transition) =>
						transition.to === to && (transition.from as readonly string[]).includes(history[index] as string),
				),
			)
	);
}

async function histories(query: Snapshot): Promise<CheckResult> {
	// Returns one row per distinct history, however many orders there are.
	const groups = await query<{
		status: OrderStatus;
		history: OrderStatus[];
		orders: number;
		numbers: string[];
	}>(
		`SELECT status, history, count(*)::integer AS orders, (array_agg(number))[1:20] AS numbers
		FROM (
			SELECT o.number, o.status,
				coalesce(array_agg(h.status ORDER BY h.at) FILTER (WHERE h.status IS NOT NULL), '{}') AS history
			FROM orders o LEFT JOIN order_history h ON h.order_id = o.id GROUP BY o.id
		) AS life GROUP BY status, history`,
	);
	return {
		check: "an order has a valid history",
		remedy:
			"Compare the order with its events (table outbox) and its payment, and correct orders.status and order_history by hand.",
		checked: groups.reduce((sum, { orders }) => sum + orders, 0),
		in_progress: 0,
		findings: groups
			.filter(({ history, status }) => !isValidHistory(history, status))
			.flatMap(({ history, status, numbers }) =>
				numbers.map((number) => ({
					document: `order ${number}`,
					what: `is ${status} after ${history.join(" → ") || "nothing"}`,
				})),
			),
	};
}
