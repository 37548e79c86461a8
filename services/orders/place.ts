import { randomUUID } from "node:crypto";
import type { DatabaseError } from "pg";
import type { z } from "zod";
import {
	type ActionContext,
	callAction,
	type EventData,
	events,
	type ResultOf,
} from "../../contracts/actions.ts";
import { CURRENCY } from "../../contracts/money.ts";
import type { orders } from "../../contracts/orders.ts";
import { type ProblemCode, type ProblemData, problem, problemCode } from "../../contracts/problems.ts";
import type { JobsService } from "../../mixins/jobs.ts";
import { settings } from "../../mixins/settings.ts";
import { type Answer, type KeyedRequest, keyedRequest, storedAnswer, storeRefusal } from "./idempotency.ts";
import type { KeyLocks } from "./key-locks.ts";
import { findOrder, type OrderRow } from "./model.ts";
import { INITIAL } from "./states.ts";

/** What placing orders needs of its service. */
export interface OrderingService extends JobsService {
	keyLocks: KeyLocks;
}

type Request = z.output<typeof orders.actions.place.params>;
type Lines = ResultOf<"v1.products.reserve">["lines"];

/** A reserve whose answer never came can still be under way at products, but not for longer than this. */
const STRAY_RESERVE_SECONDS = 30;

/** Refused with a key in hand, a request waits this often for a rival that may have got the last unit. */
const RIVAL_CHECKS = 3;
const RIVAL_CHECK_MS = 100;

/**
 * Places an order: holds the units at products, then writes order, lines, reservation, key and event in one
 * transaction. Whatever happens in between, either the order is there with its hold, or neither is.
 *
 * @throws OUT_OF_STOCK, PRODUCT_NOT_FOUND, KEY_REUSED, TOTAL_TOO_LARGE, ORDER_NOT_PLACED, ORDER_UNKNOWN.
 */
export async function placeOrder(
	service: OrderingService,
	ctx: ActionContext<Request>,
	user_id: number,
): Promise<OrderRow> {
	const { idempotency_key, ...body } = ctx.params;
	const request = idempotency_key ? keyedRequest(user_id, idempotency_key, body) : undefined;
	if (!request) {
		return placeNew(service, ctx, body, user_id, undefined);
	}
	const known = await storedAnswer(service.pool, request);
	if (known) {
		return replay(known);
	}
	return service.keyLocks.alone(`${user_id} ${request.key}`, async (wasSecond) => {
		const answer = wasSecond ? await storedAnswer(service.pool, request) : undefined;
		return answer ? replay(answer) : placeNew(service, ctx, body, user_id, request);
	});
}

async function placeNew(
	service: JobsService,
	ctx: ActionContext<Request>,
	body: Omit<Request, "idempotency_key">,
	user_id: number,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	const reservation_id = randomUUID();
	const expires_at = new Date(Date.now() + settings.orderTtlMinutes * 60_000).toISOString();
	let lines: Lines;
	try {
		({ lines } = await ctx.call("v1.products.reserve", { reservation_id, lines: body.items, expires_at }));
	} catch (error) {
		if (!isRefusal(error)) {
			// Products may have held the units although its answer did not arrive, or may still be about to.
			await release(service, reservation_id);
			await releaseLater(service, reservation_id, STRAY_RESERVE_SECONDS);
			throw error;
		}
		return refuse(service, request, error);
	}
	const total_minor = sum(lines);
	if (total_minor === undefined) {
		await release(service, reservation_id);
		return refuse(service, request, problem("TOTAL_TOO_LARGE"));
	}
	const order = {
		id: randomUUID(),
		user_id,
		status: INITIAL,
		total_minor,
		currency: CURRENCY,
		shipping_address: body.shipping_address ?? null,
		note: body.note ?? null,
		expires_at,
	};
	return commit(service, order, lines, reservation_id, request);
}

async function commit(
	service: JobsService,
	order: Omit<OrderRow, "number" | "created_at" | "updated_at" | "lines">,
	lines: Lines,
	reservation_id: string,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	// The number is given by the database, which puts it into the event as well.
	const data: EventData<"order.placed"> = {
		order_id: order.id,
		number: "",
		user_id: order.user_id,
		total_minor: order.total_minor,
		currency: order.currency,
		items: lines,
	};
	const event = { name: "order.placed", version: events["order.placed"].version, data };
	try {
		const { rows } = await service.pool.query<{ placed: OrderRow }>(
			"SELECT place_order($1, $2, $3, $4, $5, $6) AS placed",
			[
				JSON.stringify(order),
				JSON.stringify(lines),
				reservation_id,
				request?.key ?? null,
				request?.hash ?? null,
				JSON.stringify(event),
			],
		);
		return (rows[0] as { placed: OrderRow }).placed;
	} catch (error) {
		if (request && (error as DatabaseError).constraint === "idempotency_keys_pkey") {
			await release(service, reservation_id);
			return replayRival(service, request);
		}
		if ((error as DatabaseError).constraint === "orders_user_not_deleted") {
			await release(service, reservation_id);
			throw problem("TOKEN_INVALID");
		}
		service.logger.warn(`Order ${order.id} was not confirmed by the database: ${(error as Error).message}`);
		if (wasRolledBack(error)) {
			await release(service, reservation_id);
			throw problem("ORDER_NOT_PLACED");
		}
		return settleUnknown(service, order.id, reservation_id);
	}
}

/**
 * Whether PostgreSQL itself says that the statement failed for want of something, such as space on its disk (class 53):
 * then it is undone, and there may be no room to write anything down about it either.
 */
function wasRolledBack(error: unknown): boolean {
	return /^53/.test((error as DatabaseError).code ?? "");
}

/**
 * The commit's answer was lost, or it failed. Taking the reservation id as abandoned tells: it works only where the
 * order did not come to be, and then it never will.
 */
async function settleUnknown(
	service: JobsService,
	order_id: string,
	reservation_id: string,
): Promise<OrderRow> {
	let placed: OrderRow | undefined;
	try {
		await service.pool.query("INSERT INTO reservations (id) VALUES ($1) ON CONFLICT DO NOTHING", [
			reservation_id,
		]);
		placed = await findOrder(service.pool, { id: order_id }, "anybody");
	} catch {
		throw problem("ORDER_UNKNOWN");
	}
	if (placed) {
		return placed;
	}
	await release(service, reservation_id);
	throw problem("ORDER_NOT_PLACED");
}

/** Whether products refused; then nothing is held. */
function isRefusal(error: unknown): boolean {
	return ["OUT_OF_STOCK", "PRODUCT_NOT_FOUND"].includes(problemCode(error) ?? "");
}

/** Tells why there is no order; with a key the answer that is stored first is everybody's. */
async function refuse(
	service: JobsService,
	request: KeyedRequest | undefined,
	error: unknown,
): Promise<OrderRow> {
	if (!request) {
		throw error;
	}
	for (let check = 0; check < RIVAL_CHECKS; check++) {
		const answer = await storedAnswer(service.pool, request);
		if (answer) {
			return replay(answer);
		}
		await new Promise((wake) => setTimeout(wake, RIVAL_CHECK_MS));
	}
	const { data } = error as { data?: ProblemData };
	await storeRefusal(service.pool, request, problemCode(error) as ProblemCode, data ?? {});
	return replayRival(service, request);
}

async function replayRival(service: JobsService, request: KeyedRequest): Promise<OrderRow> {
	const answer = await storedAnswer(service.pool, request);
	if (!answer) {
		throw problem("ORDER_NOT_PLACED");
	}
	return replay(answer);
}

function replay(answer: Answer): OrderRow {
	if ("order" in answer) {
		return answer.order;
	}
	throw problem(answer.refused.code, answer.refused.data);
}

/** Gives the units back now, or by a job where products does not answer. */
async function release(service: JobsService, reservation_id: string): Promise<void> {
	try {
		await callAction(service.broker, "v1.products.release", { reservation_id });
	} catch (error) {
		service.logger.warn(`Reservation ${reservation_id} is released later: ${(error as Error).message}`);
		await releaseLater(service, reservation_id, 0);
	}
}

async function releaseLater(service: JobsService, reservation_id: string, seconds: number): Promise<void> {
	await service.pool.query(
		`SELECT graphile_worker.add_job(
			'release_stock', $1::json, run_at => now() + make_interval(secs => $2), max_attempts => 32767,
			job_key => $3
		)`,
		[JSON.stringify({ reservation_id }), seconds, `stock:${reservation_id}`],
	);
}

/** The total in the smallest unit, or undefined where it is more than an order can have. */
function sum(lines: Lines): number | undefined {
	const total = lines.reduce((sum, line) => sum + BigInt(line.price_minor) * BigInt(line.quantity), 0n);
	return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : undefined;
}
