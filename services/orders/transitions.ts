import type { ServiceBroker } from "moleculer";
import { isMissing } from "../../broker/abilities.ts";
import type { Owner } from "../../broker/caller.ts";
import { type EventName, events, type ParamsOf } from "../../contracts/actions.ts";
import { notifications, READS_DETAILS } from "../../contracts/notifications.ts";
import { problem } from "../../contracts/problems.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { activeRequest } from "../../observability/log-context.ts";
import { orders } from "../../observability/metrics.ts";
import { activeTraceparent } from "../../observability/tracing.ts";
import { findOrder, isUuid, type OrderRow } from "./model.ts";
import { type OrderStatus, TRANSITIONS, type Transition, type TransitionName } from "./states.ts";

/** Transitions that return no money. Of those that receive some, `pay` is one only for a total of zero. */
type PlainTransition = {
	[N in TransitionName]: (typeof TRANSITIONS)[N] extends { money: "returned" } ? never : N;
}[TransitionName];

/** An order that has left the shop. */
type Shipment = Pick<ParamsOf<"v1.orders.ship">, "id" | "carrier" | "tracking_number">;

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
		return counted(rows[0]?.moved ?? false, to);
	});
}

/**
 * Moves an order to the shipped state, with who carries it under which number. Like `transitionOrder`.
 */
export async function shipOrder(
	service: JobsService,
	{ id, carrier, tracking_number }: Shipment,
	actor: string,
	isRepetition = false,
): Promise<OrderRow> {
	const { from, to, event } = argumentsOf("ship");
	const details = areDetailsRead(service.broker) ? { carrier, tracking_number } : {};
	return perform(service, id, "anybody", isRepetition && { to, actor }, async () => {
		const { rows } = await service.pool.query<{ moved: boolean }>(
			"SELECT ship_order($1, $2, $3, $4, $5, $6, $7) AS moved",
			[id, from, to, actor, JSON.stringify({ ...event, details }), carrier, tracking_number],
		);
		return counted(rows[0]?.moved ?? false, to);
	});
}

/** Counts an order that has moved to a status. */
export function counted(isMoved: boolean, status: OrderStatus): boolean {
	if (isMoved) {
		orders.inc({ status });
	}
	return isMoved;
}

/** Returns an event whose data the database adds from the order, with the trace context and the request of the current work. */
export function emptyEvent(name: EventName) {
	const { version } = events[name];
	return { name, version, traceparent: activeTraceparent(), request_id: activeRequest() };
}

/** Tells whether events of orders may have optional data: all processes of notifications accept it. */
export function areDetailsRead(broker: ServiceBroker): boolean {
	return !isMissing(broker, notifications, READS_DETAILS);
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
	const expired = rows[0]?.expired ?? 0;
	orders.inc({ status: to }, expired);
	return expired === DUE_ORDERS;
}

/**
 * Performs a transition and returns the order.
 *
 * @param earlier The status and the actor of an earlier attempt of the same request; false if there was none.
 * @param transition Returns false if the order does not exist, or is in a state from which it does not start.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state.
 */
export async function perform(
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
