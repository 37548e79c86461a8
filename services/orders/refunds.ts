import type { Pool, PoolClient } from "pg";
import type { z } from "zod";
import type { Owner } from "../../broker/caller.ts";
import { callAction } from "../../contracts/actions.ts";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import { problem } from "../../contracts/problems.ts";
import type { NewRefund, refund } from "../../contracts/refunds.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { refunds } from "../../observability/metrics.ts";
import { newId } from "./ids.ts";
import { findOrder, isUuid, type OrderRow } from "./model.ts";
import { type PaidOrder, type Refund, refundOf, refundOfRest } from "./pricing/refunds.ts";
import type { PaymentProvider, RefundOutcome } from "./provider.ts";
import { TRANSITIONS } from "./states.ts";
import { areDetailsRead, argumentsOf, counted, emptyEvent, perform } from "./transitions.ts";

/** A row of `refunds` with its lines, as JSON from the database. Amounts are in minor units. */
export interface RefundRow {
	id: string;
	order_id: string;
	sequence: number;
	amount_minor: number;
	shipping_minor: number;
	other_minor: number;
	status: "pending" | RefundOutcome;
	is_whole: boolean;
	restock: boolean;
	restock_done: boolean;
	reason: string | null;
	payment_reference: string | null;
	created_at: string;
	updated_at: string;
	lines: { line: number; quantity: number; amount_minor: number }[];
}

/** The orders service, as the jobs of refunds use it. */
interface RefundingService extends JobsService {
	provider: PaymentProvider;
}

/** The request for a refund, as it is recorded. */
interface Terms {
	restock: boolean;
	reason?: string | undefined;
	actor: string;
	key_id?: string | undefined;
}

/** SQL expression: refund `r` with its lines. */
export const WITH_REFUND_LINES = `to_jsonb(r) || jsonb_build_object('lines', coalesce((
	SELECT jsonb_agg(to_jsonb(l) - 'refund_id' ORDER BY l.line) FROM refund_lines l WHERE l.refund_id = r.id
), '[]'))`;

/**
 * Refunds a part of an order. The amounts are computed while the order is locked, so two requests never give back the
 * same units or money. Jobs added in the transaction return money and units: each once, even if processes die in between.
 *
 * @param key_id Id of the request, if it has an idempotency key: its repetition returns the same refund.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state; REFUND_TOO_LARGE, with what is left; VALIDATION_FAILED
 * for a line that the order has not.
 */
export async function addRefund(
	service: JobsService,
	{ id, items, shipping, amount, restock, reason }: NewRefund,
	actor: string,
	key_id: string | undefined,
): Promise<RefundRow> {
	const made = await service.transaction(async (client) => {
		const order = await lockOrder(client, id);
		if (!order) {
			throw problem("ORDER_NOT_FOUND");
		}
		const repeated = key_id === undefined ? undefined : await findRefund(client, "key_id", key_id);
		if (repeated) {
			return { row: repeated, isLast: false };
		}
		if (order.status === TRANSITIONS.refund.to) {
			// As for a refund at the same moment that was the first to lock the order.
			throw problem("REFUND_TOO_LARGE", { refundable: 0 });
		}
		if (!isRefundable(order)) {
			throw problem("ORDER_IN_OTHER_STATE", { state: order.status });
		}
		const computed = refundOf(paidOrder(order), { items, shipping, amount_minor: toMinor(amount) });
		if ("refused" in computed) {
			throw refusalOf(computed, items);
		}
		if (items.length === 0 && computed.total_minor === 0) {
			throw problem("VALIDATION_FAILED", { errors: [{ path: "shipping", message: "was not paid for" }] });
		}
		const row = await record(service, client, order, computed, shipping, { restock, reason, actor, key_id });
		return { row, isLast: await isRefunded(client, id) };
	});
	counted(made.isLast, TRANSITIONS.refund.to);
	return made.row;
}

/**
 * Refunds what is left of an order and, if requested, restocks those units. Jobs added in the transaction of the
 * transition do both, so that they happen exactly once, even if processes die in between.
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
	const { to } = TRANSITIONS.refund;
	const isMoved = () =>
		service.transaction(async (client) => {
			const order = await lockOrder(client, id);
			if (!order || !isRefundable(order)) {
				return false;
			}
			await record(service, client, order, refundOfRest(paidOrder(order)), true, { restock, actor });
			return true;
		});
	return perform(service, id, "anybody", isRepetition && { to, actor }, async () =>
		counted(await isMoved(), to),
	);
}

/**
 * Returns refunds of an order, the first one first.
 *
 * @throws ORDER_NOT_FOUND
 */
export async function listRefunds(
	pool: Pool,
	order_id: string,
	owner: Owner,
	{ skip, limit }: { skip: number; limit: number },
): Promise<RefundRow[]> {
	if (!(await findOrder(pool, { id: order_id }, owner))) {
		throw problem("ORDER_NOT_FOUND");
	}
	const { rows } = await pool.query<{ refund: RefundRow }>(
		`SELECT ${WITH_REFUND_LINES} AS refund FROM refunds r WHERE order_id = $1 ORDER BY sequence LIMIT $2 OFFSET $3`,
		[order_id, limit, skip],
	);
	return rows.map(({ refund }) => refund);
}

/**
 * Job: has the provider give the money of a refund back, unless the job of its payment does so. It is repeated until the
 * provider has decided.
 *
 * @throws Error of the provider that leaves the outcome unknown.
 */
export async function payRefund(service: RefundingService, id: string): Promise<void> {
	const refund = await findRefund(service.pool, "id", id);
	if (refund?.status !== "pending" || refund.is_whole) {
		return;
	}
	await settleRefund(service, refund, await requestRefund(service, refund, refund.id));
}

/** Requests a refund from the provider, under an id that identifies it there. */
export async function requestRefund(
	service: RefundingService,
	{ amount_minor, payment_reference }: Pick<RefundRow, "amount_minor" | "payment_reference">,
	id: string,
): Promise<RefundOutcome> {
	const reference = payment_reference as string;
	const { rows } = await service.pool.query<{ charged_minor: number }>(
		"SELECT amount_minor::float8 AS charged_minor FROM payments WHERE reference = $1",
		[reference],
	);
	const charged_minor = rows[0]?.charged_minor as number;
	return service.provider.refund({ id, reference, amount_minor, charged_minor });
}

/** Records the provider's decision about a refund, and reports one that a person must carry out. */
export async function settleRefund(
	service: RefundingService,
	{ id, order_id, amount_minor }: RefundRow,
	outcome: RefundOutcome,
): Promise<void> {
	const { rows } = await service.pool.query<{ settled: boolean }>("SELECT settle_refund($1, $2) AS settled", [
		id,
		outcome,
	]);
	if (!rows[0]?.settled) {
		return;
	}
	if (outcome === "refunded") {
		refunds.inc({ currency: CURRENCY }, fromMinor(amount_minor));
	} else {
		service.logger.error(
			`The provider ${outcome === "refused" ? "refused" : "cannot carry out"} refund ${id} of order ${order_id}: give the money back in another way`,
		);
	}
}

/** Job: puts the units of a refund back on sale. Products does so once for each id. */
export async function restockRefund(service: RefundingService, id: string): Promise<void> {
	const asked_at = new Date().toISOString();
	const { rows: lines } = await service.pool.query<{ product_id: string; quantity: number }>(
		`SELECT o.product_id, l.quantity
		FROM refunds r JOIN refund_lines l ON l.refund_id = r.id JOIN order_lines o USING (order_id, line)
		WHERE r.id = $1 AND r.restock AND NOT r.restock_done AND NOT r.is_whole ORDER BY line`,
		[id],
	);
	if (lines.length === 0) {
		return;
	}
	// Products processes of the version before know the id of the restock by this name.
	await callAction(service.broker, "v1.products.restock", { order_id: id, lines, asked_at });
	await service.pool.query("UPDATE refunds SET restock_done = true WHERE id = $1", [id]);
}

/** Returns the refund with this value in a column; of several of a payment, the first one. */
export async function findRefund(
	pool: Pick<Pool, "query">,
	column: "id" | "key_id" | "payment_reference",
	value: string,
): Promise<RefundRow | undefined> {
	const { rows } = await pool.query<{ refund: RefundRow }>(
		`SELECT ${WITH_REFUND_LINES} AS refund FROM refunds r WHERE r.${column} = $1 ORDER BY sequence LIMIT 1`,
		[value],
	);
	return rows[0]?.refund;
}

/** Converts a row to a refund of the contract. */
export function presentRefund(row: RefundRow): z.input<typeof refund> {
	const { id, order_id, sequence, status, restock, reason } = row;
	return {
		...{ id, order_id, sequence, status, restock, reason },
		amount: fromMinor(row.amount_minor),
		items: row.lines.map(({ amount_minor, ...line }) => ({ ...line, amount: fromMinor(amount_minor) })),
		shipping: fromMinor(row.shipping_minor),
		other: fromMinor(row.other_minor),
		created_at: new Date(row.created_at).toISOString(),
		updated_at: new Date(row.updated_at).toISOString(),
	};
}

/** Returns an order as the price function takes it. */
export function paidOrder(order: OrderRow): PaidOrder {
	return {
		lines: (order.lines ?? []).map((line, place) => ({
			line: place + 1,
			quantity: line.quantity,
			paid_minor: line.paid_minor ?? line.price_minor * line.quantity,
			refunded_quantity: line.refunded_quantity ?? 0,
		})),
		shipping_paid_minor: order.shipping_paid_minor ?? 0,
		is_shipping_refunded: order.shipping_refunded ?? false,
		refunded_minor: order.refunded_minor ?? 0,
	};
}

/** Locks an order and reads it in a statement of its own, which sees what was committed while the lock was awaited. */
async function lockOrder(client: PoolClient, id: string): Promise<OrderRow | undefined> {
	if (!isUuid(id)) {
		return undefined;
	}
	await client.query("SELECT FROM orders WHERE id = $1 FOR UPDATE", [id]);
	return findOrder(client, { id }, "anybody");
}

function isRefundable({ status }: OrderRow): boolean {
	return (TRANSITIONS.refund.from as readonly string[]).includes(status);
}

async function isRefunded(client: PoolClient, id: string): Promise<boolean> {
	const { rowCount } = await client.query("SELECT FROM orders WHERE id = $1 AND status = $2", [
		id,
		TRANSITIONS.refund.to,
	]);
	return rowCount === 1;
}

/** Records a refund with all its effects, and returns it. */
async function record(
	service: JobsService,
	client: PoolClient,
	order: OrderRow,
	{ items, shipping_minor, other_minor }: Refund,
	shipping: boolean,
	{ restock, reason, actor, key_id }: Terms,
): Promise<RefundRow> {
	const id = newId();
	const given = {
		...{ id, order_id: order.id, lines: items, shipping, shipping_minor, other_minor },
		...{ restock, reason, actor, key_id },
	};
	await client.query("SELECT FROM record_refund($1, $2, $3)", [
		JSON.stringify(given),
		JSON.stringify({ ...argumentsOf("refund"), with_amount: areDetailsRead(service.broker) }),
		JSON.stringify(emptyEvent("order.partly_refunded")),
	]);
	return (await findRefund(client, "id", id)) as RefundRow;
}

function refusalOf(refusal: Exclude<ReturnType<typeof refundOf>, Refund>, items: NewRefund["items"]): Error {
	switch (refusal.refused) {
		case "REFUND_TOO_LARGE":
			return problem("REFUND_TOO_LARGE", { refundable: fromMinor(refusal.refundable_minor) });
		case "LINE_NOT_FOUND": {
			const place = items.findIndex(({ line }) => line === refusal.line);
			const message = `must be the number of a line of this order, which has no line ${refusal.line}`;
			return problem("VALIDATION_FAILED", { errors: [{ path: `items.${place}.line`, message }] });
		}
		case "EMPTY_REFUND":
			return problem("VALIDATION_FAILED", {
				errors: [{ path: "items", message: "must name what to refund" }],
			});
	}
}
