import { setTimeout as wait } from "node:timers/promises";
import type { DatabaseError } from "pg";
import type { z } from "zod";
import { settings } from "../../config/settings.ts";
import { type ActionContext, callAction, type EventData } from "../../contracts/actions.ts";
import { CURRENCY, toMinor } from "../../contracts/money.ts";
import type { orders as contract } from "../../contracts/orders.ts";
import { type ProblemCode, problemCode } from "../../contracts/problem-codes.ts";
import { type ProblemData, problem } from "../../contracts/problems.ts";
import { DESCRIBES_LINES } from "../../contracts/products.ts";
import { wasRolledBack } from "../../errors/kinds.ts";
import { orders, stockOuts } from "../../observability/metrics.ts";
import { CartLease } from "./cart-lease.ts";
import { orderedMeanwhile, type ToOrder } from "./carts.ts";
import {
	type Costs,
	costsOf,
	inOrderOf,
	isShipped,
	pricedLines,
	type ReservedLine,
	toPrice,
} from "./costs.ts";
import {
	findStoredResponse,
	type KeyedRequest,
	keyedRequest,
	requestId,
	type StoredResponse,
} from "./idempotency.ts";
import { newId } from "./ids.ts";
import { findOrder, type OrderLine, type OrderRow } from "./model.ts";
import { price } from "./pricing/price.ts";
import { priceChanged, REFUSALS, refusalFor } from "./reasons.ts";
import { abandon, type OrderingService } from "./reservations.ts";
import { INITIAL } from "./states.ts";
import { keptMethod, keptVoucher, type OrderBody, readTerms, type Terms, toPriceBy } from "./terms.ts";
import { areDetailsRead, argumentsOf, emptyEvent, type TransitionArguments } from "./transitions.ts";
import type { VoucherRow } from "./vouchers.ts";

type Request = z.output<typeof contract.actions.place.params>;

interface Reserved extends Pick<ToOrder, "cart"> {
	reservation_id: string;
	lines: ReservedLine[];
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
 * @throws OUT_OF_STOCK, PRODUCT_NOT_FOUND, KEY_REUSED, TOTAL_TOO_LARGE, ADDRESS_NOT_FOUND, SHIPPING_NOT_AVAILABLE,
 * VOUCHER_NOT_APPLICABLE, VOUCHER_USED_UP, PRICE_CHANGED, CART_NOT_FOUND, CART_ORDERED, CART_MERGED, CART_CHANGED, CART_EMPTY,
 * ORDER_NOT_PLACED, ORDER_UNKNOWN.
 */
export async function placeOrder(
	service: OrderingService,
	ctx: ActionContext<Request>,
	user_id: number,
): Promise<OrderRow> {
	// A token proves a right and is no part of what is asked: a repetition may lack it.
	const { idempotency_key, cart_token, ...body } = ctx.params;
	const request = idempotency_key ? keyedRequest(user_id, idempotency_key, body) : undefined;
	for (let attempt = 0; ; attempt++) {
		const answer = request && (await findStoredResponse(service, request));
		if (answer) {
			return replay(answer);
		}
		let lines = 0;
		let cart: ToOrder["cart"];
		const lease = new CartLease(service.pool);
		try {
			const toOrder = await lease.itemsOf(service, { ...body, cart_token }, user_id);
			lines = toOrder.items.length;
			cart = toOrder.cart;
			const terms = await readTerms(service, ctx, body, user_id);
			const [refusal] = terms.refusals;
			if (refusal) {
				throw problem(refusal.code, refusal.data);
			}
			const reserved = await reserve(service, ctx, toOrder, request);
			return await place(service, body, user_id, terms, reserved, request);
		} catch (error) {
			await lease.end();
			if (isRefusal(error)) {
				return refuse(service, request, (await orderedMeanwhile(service, cart)) ?? error);
			}
			if (problemCode(error) !== "RESERVATION_UNDER_WAY") {
				throw error;
			}
			if (attempt >= IN_PROGRESS_CHECKS + 2 * lines) {
				// The other attempt has died, or can be treated as dead.
				await giveUp(service, (error as { data: Reserved }).data.reservation_id, request);
			}
			await wait(IN_PROGRESS_MS);
		}
	}
}

async function reserve(
	service: OrderingService,
	ctx: ActionContext<Request>,
	{ items, cart }: ToOrder,
	request: KeyedRequest | undefined,
): Promise<Reserved> {
	const reservation_id = newId();
	const request_id = request && requestId(request, cart?.version);
	const expires_at = new Date(Date.now() + settings.orderTtlMinutes * 60_000).toISOString();
	const attempt = { reservation_id, ...(request_id ? { request_id } : {}), expires_at };
	try {
		const reserved = await ctx.call(
			"v1.products.reserve",
			{ ...attempt, lines: items },
			{ headers: { [DESCRIBES_LINES]: true } },
		);
		// Products processes of earlier versions do not return these fields.
		return {
			lines: inOrderOf(items, reserved.lines),
			reservation_id: reserved.reservation_id ?? reservation_id,
			expires_at: reserved.expires_at ?? expires_at,
			...(cart ? { cart } : {}),
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
	body: OrderBody,
	user_id: number,
	terms: Terms,
	{ reservation_id, lines, expires_at, cart }: Reserved,
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	const { method, address, voucher, tax } = terms;
	const priced = price({ lines: toPrice(lines), ...toPriceBy(terms) });
	const refusal = refusalOf(priced, body.expected_total);
	if ("refused" in priced || refusal) {
		await giveUp(service, reservation_id, request);
		throw refusal;
	}
	const order: NewOrder = {
		// So that the order's events identify the hold.
		id: reservation_id,
		user_id,
		status: INITIAL,
		...costsOf(priced, tax),
		currency: CURRENCY,
		...(method && isShipped(lines)
			? { shipping_method: method.code, shipping_terms: keptMethod(method) }
			: {}),
		...(address ? { address } : {}),
		...(voucher ? voucherColumns(voucher) : {}),
		...(cart ? { cart } : {}),
		...(voucher && priced.total_minor === 0 ? { pay: argumentsOf("pay") } : {}),
		shipping_address: body.shipping_address ?? null,
		note: body.note ?? null,
		expires_at,
	};
	return commit(service, order, pricedLines(lines, priced, tax), request);
}

/** Returns why an order is not placed although its units are held. */
function refusalOf(priced: ReturnType<typeof price>, expected_total: number | undefined): Error | undefined {
	if ("refused" in priced) {
		return problem(priced.refused);
	}
	const [reason] = priced.reasons;
	const isExpected = expected_total === undefined || toMinor(expected_total) === priced.total_minor;
	const refusal = reason ? refusalFor(reason) : isExpected ? undefined : priceChanged(priced.total_minor);
	return refusal && problem(refusal.code, refusal.data);
}

/** Columns of a new order; the database adds the others. */
type NewOrder = Pick<
	OrderRow,
	| "id"
	| "user_id"
	| "status"
	| "currency"
	| "voucher_code"
	| "shipping_method"
	| "address"
	| "shipping_address"
	| "note"
	| "expires_at"
> &
	Costs & {
		shipping_terms?: object;
		voucher_limits_id?: number;
		voucher_terms?: object;
		/** The cart of its lines, at the version that was read. */
		cart?: ToOrder["cart"];
		/** Transition of an order that its voucher leaves nothing to pay for. */
		pay?: TransitionArguments;
	};

function voucherColumns(voucher: VoucherRow) {
	const { code, limits_id } = voucher;
	return { voucher_code: code, voucher_limits_id: limits_id, voucher_terms: keptVoucher(voucher) };
}

async function commit(
	service: OrderingService,
	order: NewOrder,
	lines: OrderLine[],
	request: KeyedRequest | undefined,
): Promise<OrderRow> {
	const reservation_id = order.id;
	const event = {
		...emptyEvent("order.placed"),
		data: placedData(order, lines, () => areDetailsRead(service.broker)),
	};
	let placed: Awaited<ReturnType<typeof service.statements.placeOrder>>;
	try {
		placed = await service.statements.placeOrder({ order, lines, request, event });
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
	if ("refused" in placed) {
		await giveUp(service, reservation_id, request);
		throw problem(placed.refused.code, placed.refused.data);
	}
	for (const status of new Set([order.status, placed.status])) {
		orders.inc({ status });
	}
	return placed;
}

/** Constraints violated if another attempt with the same key was faster, or the reservation was abandoned. */
const RIVAL_CONSTRAINTS = ["orders_pkey", "reservations_pkey", "idempotency_keys_pkey"];

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
	return REFUSALS.includes(problemCode(error) ?? "");
}

/** Refuses the order. With a key, the response that is stored first applies to all attempts. */
async function refuse(
	service: OrderingService,
	request: KeyedRequest | undefined,
	error: unknown,
): Promise<OrderRow> {
	if (problemCode(error) === "OUT_OF_STOCK") {
		stockOuts.inc();
	}
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

/** Returns the data of `order.placed`, to which the database adds the number. */
function placedData(
	order: NewOrder,
	lines: OrderLine[],
	areDetailsRead: () => boolean,
): EventData<"order.placed"> {
	const { id, user_id, total_minor, currency, discount_minor, shipping_minor, tax_minor, tax_included } =
		order;
	const details = {
		...(discount_minor ? { discount_minor } : {}),
		...(shipping_minor ? { shipping_minor } : {}),
		...(tax_minor ? { tax_minor, tax_included } : {}),
	};
	const isPlain = Object.keys(details).length === 0 && lines.every(({ options }) => !options);
	const hasDetails = !isPlain && areDetailsRead();
	return {
		...{ order_id: id, number: "", user_id, total_minor, currency },
		items: lines.map(({ product_id, name, price_minor, quantity, options }) => ({
			...{ product_id, name, price_minor, quantity },
			...(hasDetails && options ? { options } : {}),
		})),
		...(hasDetails ? details : {}),
	};
}
