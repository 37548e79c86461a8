import { type EventName, events } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { findOrder, isUuid, type OrderRow, type Owner } from "./model.ts";
import { type OrderStatus, TRANSITIONS, type Transition, type TransitionName } from "./states.ts";

/** Transitions that return no money. Of those that receive some, `pay` is one only for a total of zero. */
type PlainTransition = Exclude<TransitionName, "refund">;

/** Arguments of a transition for the functions of the database, which carry out its effects. */
export interface TransitionArguments {
	from: readonly OrderStatus[];
	to: OrderStatus;
	/** The event, whose data the database adds from the order. */
	event: object;
	/** Job that settles the units of an order of an earlier version, whose events do not identify its hold. */
	stock_task: "consume_stock" | "release_stock" | null;
}

/** Returns the effects of a transition as the database takes them. */
export function argumentsOf(name: TransitionName): TransitionArguments {
	const { from, to, event, units }: Transition = TRANSITIONS[name];
	const stock_task = units === "consume" || units === "release" ? (`${units}_stock` as const) : null;
	return { from, to, event: emptyEvent(event), stock_task };
}

/**
 * Performs a transition with all its effects, in one transaction. Of concurrent transitions of an order one wins.
 *
 * @param owner The owner that the order must have.
 * @param actor The caller, for the order's history: `user:7`, `admin:1` or `shop`.
 * @param isRepetition True if the same request may have performed it before; then it has succeeded.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state, if the transition does not start from there.
 */
export async function transitionOrder(
	service: JobsService,
	id: string,
	name: PlainTransition,
	owner: Owner,
	actor: string,
	isRepetition = false,
): Promise<OrderRow> {
	const { from, to, event, stock_task } = argumentsOf(name);
	return perform(service, id, owner, isRepetition && { to, actor }, async () => {
		const { rows } = await service.pool.query<{ moved: boolean }>(
			"SELECT move_order($1, $2, $3, $4, $5, $6, $7) AS moved",
			[id, owner === "anybody" ? null : owner, from, to, actor, JSON.stringify(event), stock_task],
		);
		return rows[0]?.moved ?? false;
	});
}

/**
 * Refunds the money of an order and, if requested, restocks its units. Jobs added in the transaction of the transition
 * do both, so that they happen exactly once, even if processes die in between.
 *
 * @param restock True if the units are in the shop again and go back on sale.
 * @param isRepetition As in `transitionOrder`.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state.
 */
export async function refundOrder(
	service: JobsService,
	id: string,
	restock: boolean,
	actor: string,
	isRepetition = false,
): Promise<OrderRow> {
	const { from, to, event } = argumentsOf("refund");
	return perform(service, id, "anybody", isRepetition && { to, actor }, async () => {
		const { rows } = await service.pool.query<{ moved: boolean }>(
			"SELECT refund_order($1, $2, $3, $4, $5, $6) AS moved",
			[id, from, to, actor, JSON.stringify(event), restock],
		);
		return rows[0]?.moved ?? false;
	});
}

/** Returns an event whose data the database adds from the order. */
export function emptyEvent(name: EventName) {
	return { name, version: events[name].version };
}

/** Maximum number of orders per sweep. */
const DUE_ORDERS = 100;

/**
 * Expires orders that were not paid in time, and publishes their events.
 *
 * @returns True if there may be more.
 */
export async function expireOrders({ pool }: JobsService): Promise<boolean> {
	const { from, to, event, stock_task } = argumentsOf("expire");
	const { rows } = await pool.query<{ expired: number }>(
		"SELECT expire_orders($1, $2, $3, $4, $5) AS expired",
		[from, to, JSON.stringify(event), stock_task, DUE_ORDERS],
	);
	return rows[0]?.expired === DUE_ORDERS;
}

async function perform(
	service: JobsService,
	id: string,
	owner: Owner,
	earlier: false | { to: OrderStatus; actor: string },
	transition: () => Promise<boolean>,
): Promise<OrderRow> {
	const isDone =
		isUuid(id) && ((await transition()) || (earlier && (await wasPerformed(service, id, earlier))));
	const order = await findOrder(service.pool, { id }, owner);
	if (!order) {
		throw problem("ORDER_NOT_FOUND");
	}
	if (!isDone) {
		throw problem("ORDER_IN_OTHER_STATE", { state: order.status });
	}
	return order;
}

async function wasPerformed(
	{ pool }: JobsService,
	id: string,
	{ to, actor }: { to: OrderStatus; actor: string },
): Promise<boolean> {
	const { rowCount } = await pool.query(
		"SELECT FROM order_history WHERE order_id = $1 AND status = $2 AND actor = $3",
		[id, to, actor],
	);
	return rowCount === 1;
}
