import crypto from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { DatabaseError } from "pg";
import type { z } from "zod";
import { settings } from "../../config/settings.ts";
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
import {
	findStoredResponse,
	type KeyedRequest,
	keyedRequest,
	requestId,
	type StoredResponse,
} from "./idempotency.ts";
import { findOrder, type OrderRow } from "./model.ts";
import { totalOf } from "./pricing.ts";
import { abandon, type OrderingService } from "./reservations.ts";
import { INITIAL } from "./states.ts";

type Request = z.output<typeof orders.actions.place.params>;
type Lines = ResultOf<"v1.products.reserve">["lines"];

interface Reserved {
	reservation_id: string;
	lines: Lines;
	expires_at: string;
}

/** Maximum time for which a reserve call without a response can still be in flight at products. */
const STRAY_RESERVE_SECONDS = 30;
/**
 * Number of checks and pause between them, in which another attempt of the same request can complete its reservation.
 */
const IN_PROGRESS_CHECKS = 20;
const IN_PROGRESS_MS = 50;

/**
 * Places an order: reserves the units at products, then writes order, lines, reservation, key and event in one
 * transaction. Whatever fails in between, the order exists with its holds, or neither exists.
 *
 * Attempts with the same Idempotency-Key share one reservation: a later attempt takes over the units that an earlier
 * one holds, whether that is still running or not, and one of their transactions commits. So a reservation with a key
 * is released only after it is abandoned, when no transaction can use it for an order any more.
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
	for (let attempt = 0; ; attempt++) {
		const answer = request && (await findStoredResponse(service, request));
		if (answer) {
			return replay(answer);
		}
		try {
			const reserved = await reserve(service, ctx, body.items, request);
			return await place(service, body, user_id, reserved, request);
		} catch (error) {
			if (isRefusal(error)) {
				return refuse(service, request, error);
			}
			if (problemCode(error) !== "RESERVATION_UNDER_WAY") {
				throw error;
			}
			if (attempt >= IN_PROGRESS_CHECKS + 2 * body.items.length) {
				// The other attempt has died, or can be treated as dead.
				await giveUp(service, (error as { data: Reserved }).data.reservation_id, request);
			}
			await wait(IN_PROGRESS_MS);
		}
	}
}

/**
 * Returns an id that sorts by its time (RFC 9562, version 7), so that the index entries of new orders lie together: by random
 * ids, each order of a large shop writes dozens of pages to the log of PostgreSQL. Early versions of Node 24 make random ones.
 */
const newId = (): string => (crypto.randomUUIDv7 ?? crypto.randomUUID)();

async function reserve(
	service: OrderingService,
	ctx: ActionContext<Request>,
	items: Request["items"],
	request: KeyedRequest | undefined,
): Promise<Reserved> {
	const reservation_id = newId();
	const request_id = request && requestId(request);
	const expires_at = new Date(Date.now() + settings.orderTtlMinutes * 60_000).toISOString();
	const attempt = { reservation_id, ...(request_id ? { request_id } : {}), expires_at };
	try {
		const reserved = await ctx.call("v1.products.reserve", { ...attempt, lines: items });
		// Products processes of earlier versions do not return these fields.
		return {
			...reserved,
			reservation_id: reserved.reservation_id ?? reservation_id,
			expires_at: reserved.expires_at ?? expires_at,
		};
	} catch (error) {
		if (!isRefusal(error) && problemCode(error) !== "RESERVATION_UNDER_WAY") {
			// Products may have held the units although its response was lost, or may still do so.
			await giveUp(service, reservation_id, request);
			await releaseLater(service, reservation_id, STRAY_RESERVE_SECONDS);
		}
		throw error;
	}
}

async function place(
	service: OrderingService,
	body: Omit<Request, "idempotency_key">,
	user_id: number,
	{ reservation_id, lines, expires_at }: Reserved,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	const total_minor = totalOf(lines);
	if (total_minor === undefined) {
		await giveUp(service, reservation_id, request);
		throw problem("TOTAL_TOO_LARGE");
	}
	const order = {
		// So that the order's events identify the hold.
		id: reservation_id,
		user_id,
		status: INITIAL,
		total_minor,
		currency: CURRENCY,
		shipping_address: body.shipping_address ?? null,
		note: body.note ?? null,
		expires_at,
	};
	return commit(service, order, lines, request);
}

async function commit(
	service: OrderingService,
	order: Omit<OrderRow, "number" | "restocked" | "created_at" | "updated_at" | "lines">,
	lines: Lines,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	const reservation_id = order.id;
	// The database assigns the number and adds it to the event.
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
		return await service.statements.placeOrder({ order, lines, request, event });
	} catch (error) {
		const { constraint = "" } = error as DatabaseError;
		if (request && RIVAL_CONSTRAINTS.includes(constraint)) {
			await giveUp(service, reservation_id, request);
			return replayRival(service, request);
		}
		if (constraint === "orders_user_not_deleted") {
			await giveUp(service, reservation_id, request);
			throw problem("TOKEN_INVALID");
		}
		service.logger.warn(`Order ${order.id} was not confirmed by the database: ${(error as Error).message}`);
		if (wasRolledBack(error)) {
			await giveUp(service, reservation_id, request);
			throw problem("ORDER_NOT_PLACED");
		}
		return settleUnknown(service, reservation_id, request);
	}
}

/** Constraints violated if another attempt with the same key was faster, or the reservation was abandoned. */
const RIVAL_CONSTRAINTS = ["orders_pkey", "reservations_pkey", "idempotency_keys_pkey"];

/**
 * Tells whether PostgreSQL itself reports that the statement was rolled back: after repeated conflicts (class 40), or
 * for lack of resources such as disk space (class 53). In the latter case, nothing can be written about it either.
 */
function wasRolledBack(error: unknown): boolean {
	// 40003: the outcome is unknown.
	return /^(40(?!003)|53)/.test((error as DatabaseError).code ?? "");
}

/**
 * Determines the outcome of a commit that failed or whose response was lost. Abandoning the reservation succeeds only
 * if the order was not committed, and then it never will be.
 */
async function settleUnknown(
	service: OrderingService,
	reservation_id: string,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	let isAbandoned: boolean;
	let placed: OrderRow | undefined;
	try {
		isAbandoned = await abandon(service.pool, reservation_id);
		placed = await findOrder(service.pool, { id: reservation_id }, "anybody");
	} catch {
		throw problem("ORDER_UNKNOWN");
	}
	if (placed) {
		return placed;
	}
	if (isAbandoned) {
		await release(service, reservation_id);
	}
	if (request) {
		return replayRival(service, request);
	}
	throw problem("ORDER_NOT_PLACED");
}

/** Tells whether the error is a refusal by the shop; then no units are held. */
function isRefusal(error: unknown): boolean {
	return ["OUT_OF_STOCK", "PRODUCT_NOT_FOUND", "TOTAL_TOO_LARGE"].includes(problemCode(error) ?? "");
}

/** Refuses the order. With a key, the response that is stored first applies to all attempts. */
async function refuse(
	service: OrderingService,
	request: KeyedRequest | undefined,
	error: unknown,
): Promise<OrderRow> {
	if (!request) {
		throw error;
	}
	const { data = {} } = error as { data?: ProblemData };
	const answer = { refused: { code: problemCode(error) as ProblemCode, data } };
	if (await service.statements.storeResponse({ request, answer })) {
		throw error;
	}
	return replayRival(service, request);
}

async function replayRival(service: OrderingService, request: KeyedRequest): Promise<OrderRow> {
	const answer = await findStoredResponse(service, request);
	if (!answer) {
		throw problem("ORDER_NOT_PLACED");
	}
	return replay(answer);
}

function replay(answer: StoredResponse): OrderRow {
	if ("order" in answer) {
		return answer.order;
	}
	throw problem(answer.refused.code, answer.refused.data);
}

/**
 * Releases a reservation that this attempt does not use. With a key, another attempt may use it: then it is released
 * only after it is abandoned, when no order can have it. If the database is unavailable, it is left to the sweeper or
 * to the next attempt.
 */
async function giveUp(
	service: OrderingService,
	reservation_id: string,
	request: KeyedRequest | undefined,
): Promise<void> {
	if (!request || (await abandon(service.pool, reservation_id).catch(() => false))) {
		await release(service, reservation_id);
	}
}

/** Releases the units now, or by a job if products is unavailable. */
async function release(service: OrderingService, reservation_id: string): Promise<void> {
	try {
		await callAction(service.broker, "v1.products.release", { reservation_id });
	} catch (error) {
		service.logger.warn(
			`Could not release reservation ${reservation_id}, a job will: ${(error as Error).message}`,
		);
		await releaseLater(service, reservation_id, 0);
	}
}

async function releaseLater(
	service: OrderingService,
	reservation_id: string,
	seconds: number,
): Promise<void> {
	await service.pool.query(
		`SELECT graphile_worker.add_job(
			'release_stock', $1::json, run_at => now() + make_interval(secs => $2), max_attempts => 32767,
			job_key => $3
		)`,
		[JSON.stringify({ reservation_id }), seconds, `stock:${reservation_id}`],
	);
}
