import { randomUUID } from "node:crypto";
import { events } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { findOrder, isUuid, type OrderRow, type Owner } from "./model.ts";
import { STEPS, type Step, type StepName } from "./states.ts";

/**
 * Takes an order one step on, with its event and the job for its stock in one transaction. Of several steps that are
 * asked for at the same moment one wins.
 *
 * @param owner Whose order it has to be.
 * @param actor Who asked, for the order's history: `user:7`, `admin:1` or `shop`.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state, where the step does not start from there.
 */
export async function moveOrder(
	service: JobsService,
	id: string,
	name: StepName,
	owner: Owner,
	actor: string,
): Promise<OrderRow> {
	const step: Step = STEPS[name];
	const event = {
		id: randomUUID(),
		name: step.event,
		version: events[step.event].version,
		occurred_at: new Date().toISOString(),
	};
	const isMoved =
		isUuid(id) &&
		(
			await service.pool.query<{ moved: boolean }>("SELECT move_order($1, $2, $3, $4, $5, $6, $7) AS moved", [
				id,
				owner === "anybody" ? null : owner,
				step.from,
				step.to,
				actor,
				JSON.stringify(event),
				step.stock ?? null,
			])
		).rows[0]?.moved;
	const order = await findOrder(service.pool, { id }, owner);
	if (!order) {
		throw problem("ORDER_NOT_FOUND");
	}
	if (!isMoved) {
		throw problem("ORDER_IN_OTHER_STATE", { state: order.status });
	}
	return order;
}
