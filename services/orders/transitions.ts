import { type EventName, events } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { findOrder, isUuid, type OrderRow, type Owner } from "./model.ts";
import { type OrderStatus, STEPS, type Step, type StepName } from "./states.ts";

/** The steps that change nothing but the order and its stock; of those that move money only `pay`, where it costs nothing. */
type PlainStep = Exclude<StepName, "refund">;

/**
 * Takes an order one step on, with its event in one transaction; also with a job for its units where an earlier version
 * placed it. Of several steps that are asked for at the same moment one wins.
 *
 * @param owner Whose order it has to be.
 * @param actor Who asked, for the order's history: `user:7`, `admin:1` or `shop`.
 * @param isRepetition Whether the same request may have taken this step before; then it has succeeded.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state, where the step does not start from there.
 */
export async function transitionOrder(
	service: JobsService,
	id: string,
	name: PlainStep,
	owner: Owner,
	actor: string,
	isRepetition = false,
): Promise<OrderRow> {
	const step: Step = STEPS[name];
	return moved(service, id, owner, isRepetition && { to: step.to, actor }, async () => {
		const { rows } = await service.pool.query<{ moved: boolean }>(
			"SELECT move_order($1, $2, $3, $4, $5, $6, $7) AS moved",
			[
				id,
				owner === "anybody" ? null : owner,
				step.from,
				step.to,
				actor,
				JSON.stringify(emptyEvent(step.event)),
				step.stock ?? null,
			],
		);
		return rows[0]?.moved ?? false;
	});
}

/**
 * Gives the money of an order back and, where asked, its units; both by jobs of the transaction that moves the order,
 * so that they happen exactly once whatever dies in between.
 *
 * @param restock Whether the units are in the shop again and go back on sale.
 * @param isRepetition As for transitionOrder.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state.
 */
export async function refundOrder(
	service: JobsService,
	id: string,
	restock: boolean,
	actor: string,
	isRepetition = false,
): Promise<OrderRow> {
	const { from, to, event } = STEPS.refund;
	return moved(service, id, "anybody", isRepetition && { to, actor }, async () => {
		const { rows } = await service.pool.query<{ moved: boolean }>(
			"SELECT refund_order($1, $2, $3, $4, $5, $6) AS moved",
			[id, from, to, actor, JSON.stringify(emptyEvent(event)), restock],
		);
		return rows[0]?.moved ?? false;
	});
}

/** An event that the database fills in from the order. */
export function emptyEvent(name: EventName) {
	return { name, version: events[name].version };
}

/** How many orders a sweep expires at once. */
const DUE_ORDERS = 100;

/**
 * Ends orders that were not paid in time, with their events.
 *
 * @returns Whether there may be more.
 */
export async function expireOrders({ pool }: JobsService): Promise<boolean> {
	const { from, to, event, stock } = STEPS.expire;
	const { rows } = await pool.query<{ expired: number }>(
		"SELECT expire_orders($1, $2, $3, $4, $5) AS expired",
		[from, to, JSON.stringify(emptyEvent(event)), stock, DUE_ORDERS],
	);
	return rows[0]?.expired === DUE_ORDERS;
}

async function moved(
	service: JobsService,
	id: string,
	owner: Owner,
	taken: false | { to: OrderStatus; actor: string },
	move: () => Promise<boolean>,
): Promise<OrderRow> {
	const isMoved = isUuid(id) && ((await move()) || (taken && (await wasTaken(service, id, taken))));
	const order = await findOrder(service.pool, { id }, owner);
	if (!order) {
		throw problem("ORDER_NOT_FOUND");
	}
	if (!isMoved) {
		throw problem("ORDER_IN_OTHER_STATE", { state: order.status });
	}
	return order;
}

async function wasTaken(
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
