import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { z } from "zod";
import type { Owner } from "../../broker/caller.ts";
import { callAction } from "../../contracts/actions.ts";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import type { providerEvent } from "../../contracts/order-schemas.ts";
import type { ProblemCode } from "../../contracts/problem-codes.ts";
import { problem } from "../../contracts/problems.ts";
import { orders, payments, refunds, revenue } from "../../observability/metrics.ts";
import { findOrder, isUuid, type OrderRow, type Payment } from "./model.ts";
import type { PaymentMethod, PaymentProvider } from "./provider.ts";
import { findRefund, requestRefund, settleRefund } from "./refunds.ts";
import { type PaymentOutcome, paymentRefusal } from "./refusals.ts";
import type { OrderingService } from "./reservations.ts";
import { TRANSITIONS } from "./states.ts";
import { argumentsOf, emptyEvent, transitionOrder } from "./transitions.ts";

/** An orders service with a payment provider. */
export interface PayingService extends OrderingService {
	provider: PaymentProvider;
}

/** Age, by the database's clock, at which an `instant` payment whose process died is checked. */
const CHECK_INSTANT_SECONDS = 15;

type Refused = "unknown" | "differs" | "reused";
type Settled = "paid" | "late" | "known" | Refused;

/**
 * Asks the provider to charge an order. `instant` returns the paid order; `transfer` returns the open payment, which a
 * webhook settles. If money arrives when the order can no longer be paid, it is refunded. If a webhook or another
 * request pays the order meanwhile, the paid order is returned. An order with a total of zero is paid at once, without
 * a payment.
 *
 * @param actor The caller, as in `transitionOrder`.
 * @param isRepetition True if the same request may have paid the order before; then the paid order is returned.
 * @throws ORDER_NOT_FOUND; ORDER_IN_OTHER_STATE, naming the state; PAYMENT_DECLINED; PAYMENT_NOT_MADE; PAYMENT_UNKNOWN.
 */
export async function payOrder(
	service: PayingService,
	id: string,
	method: PaymentMethod,
	owner: Owner,
	actor: string,
	isRepetition = false,
): Promise<{ order: OrderRow; payment?: Payment }> {
	const find = () => service.statements.findOrder({ id, owner });
	const order = isUuid(id) ? await find() : undefined;
	if (!order) {
		throw problem("ORDER_NOT_FOUND");
	}
	if (order.total_minor === 0) {
		return { order: await transitionOrder(service, id, "pay", owner, actor, isRepetition) };
	}
	const payment = await openPayment(service, id, method, owner);
	const outcome = payment ? await chargeAndRecord(service, order, payment) : "not opened";
	if (payment && outcome === "pending") {
		return { order, payment };
	}
	const now = (await find()) as OrderRow;
	const refusal = paymentRefusal(outcome as PaymentOutcome, order.status, now.status, isRepetition);
	if (refusal) {
		throw problem(refusal, { state: now.status });
	}
	return { order: now };
}

/** Charges a payment, and records the outcome unless a webhook will report it. */
async function chargeAndRecord(
	service: PayingService,
	order: OrderRow,
	payment: Payment,
): Promise<PaymentOutcome | "pending"> {
	const outcome = await charge(service, order, payment);
	if (outcome === "settled") {
		return (await settlePayment(service, payment)) === "paid" ? "paid" : "settled";
	}
	if (outcome !== "pending") {
		await failPayment(service, payment);
	}
	return outcome;
}

async function charge(service: PayingService, order: OrderRow, payment: Payment) {
	try {
		return await service.provider.charge({
			reference: payment.reference,
			method: payment.method,
			amount_minor: payment.amount_minor,
			currency: order.currency,
			description: order.number,
			due_at: new Date(payment.due_at),
		});
	} catch (error) {
		// The sweep of due payments asks for the outcome at `check_at`.
		service.logger.warn(
			`The provider did not respond to payment ${payment.reference}: ${(error as Error).message}`,
		);
		throw problem("PAYMENT_UNKNOWN");
	}
}

/**
 * Handles an event of the provider's webhook, deduplicated by its id and content.
 *
 * @throws PAYMENT_NOT_FOUND; PAYMENT_AMOUNT_DIFFERS; WEBHOOK_ID_REUSED. Then nothing has changed.
 */
export async function takeProviderEvent(
	service: PayingService,
	event: z.output<typeof providerEvent>,
): Promise<void> {
	const apply = event.type === "payment.settled" ? settlePayment : failPayment;
	const { reference, amount, id } = event;
	const outcome = await apply(service, { reference, amount_minor: toMinor(amount) }, id);
	if (isRefused(outcome)) {
		throw problem(REFUSALS[outcome]);
	}
}

const REFUSALS = {
	unknown: "PAYMENT_NOT_FOUND",
	differs: "PAYMENT_AMOUNT_DIFFERS",
	reused: "WEBHOOK_ID_REUSED",
} as const satisfies Record<Refused, ProblemCode>;

function isRefused(outcome: string): outcome is Refused {
	return Object.hasOwn(REFUSALS, outcome);
}

/** Maximum number of payments per sweep. */
const DUE_PAYMENTS = 20;

/**
 * Cancels unsettled payments at the provider when they are due. If the money has been received already, the order is
 * paid or the money is refunded.
 *
 * @returns True if there may be more.
 */
export async function checkDuePayments(service: PayingService): Promise<boolean> {
	const { rows } = await service.pool.query<{ payment: Payment }>(
		"SELECT to_jsonb(p) AS payment FROM take_due_payments($1) AS p",
		[DUE_PAYMENTS],
	);
	const checks = await Promise.allSettled(rows.map(({ payment }) => checkPayment(service, payment)));
	for (const check of checks) {
		if (check.status === "rejected") {
			throw check.reason;
		}
	}
	return rows.length === DUE_PAYMENTS;
}

/** Checks one payment, like `checkDuePayments`. */
async function checkPayment(
	service: PayingService,
	payment: Pick<Payment, "reference" | "amount_minor">,
): Promise<void> {
	const apply =
		(await service.provider.cancel(payment.reference)) === "settled" ? settlePayment : failPayment;
	await apply(service, payment);
}

/**
 * Job: refunds a whole payment, under its reference, as the version before did. If it had come too late, the customer is
 * notified. Parts of a payment are refunded by `payRefund`.
 *
 * @throws Error if the provider did not respond, or did not give a payment back that had come too late: the job fails
 * until it does, or until a person has given it back.
 */
export async function refundPayment(service: PayingService, reference: string): Promise<void> {
	const payment = await findPayment(service, reference);
	const refund = await findRefund(service.pool, "payment_reference", reference);
	if (payment?.status !== "refunding" || refund?.is_whole === false) {
		return;
	}
	const { amount_minor } = payment;
	const outcome = await requestRefund(service, { amount_minor, payment_reference: reference }, reference);
	if (outcome !== "refunded" && refund) {
		await settleRefund(service, refund, outcome);
		return;
	}
	if (outcome !== "refunded") {
		throw new Error(`the provider did not give payment ${reference} back: ${outcome}`);
	}
	await service.pool.query("SELECT note_refund($1, $2)", [
		reference,
		JSON.stringify(emptyEvent("payment.refunded")),
	]);
	refunds.inc({ currency: CURRENCY }, fromMinor(payment.amount_minor));
}

/** Job: puts all units of a refunded order back on sale. Products does so once per order. */
export async function restockOrder(service: PayingService, order_id: string): Promise<void> {
	const asked_at = new Date().toISOString();
	const { rowCount } = await service.pool.query("SELECT FROM orders WHERE id = $1 AND restock_done", [
		order_id,
	]);
	if (rowCount === 1) {
		return;
	}
	const order = (await findOrder(service.pool, { id: order_id }, "anybody")) as OrderRow;
	const lines = order.lines.map(({ product_id, quantity }) => ({ product_id, quantity }));
	await callAction(service.broker, "v1.products.restock", { order_id, lines, asked_at });
	// From here on no job requests it again, and products may fold its ledger entry.
	await service.pool.query("UPDATE orders SET restock_done = true WHERE id = $1", [order_id]);
}

/** Returns those of these orders and refunds that will never request a restock again. */
export async function settledRestocks(pool: Pool, order_ids: string[]): Promise<string[]> {
	const { rows } = await pool.query<{ id: string }>(
		`SELECT id FROM orders WHERE id = ANY ($1::uuid[]) AND restock_done
		UNION ALL SELECT id FROM refunds WHERE id = ANY ($1::uuid[]) AND restock_done`,
		[order_ids],
	);
	return rows.map(({ id }) => id);
}

/** Converts a payment to that of the contract. */
export function presentPayment({ reference, amount_minor, due_at }: Payment) {
	return { reference, amount: fromMinor(amount_minor), due_at: new Date(due_at).toISOString() };
}

async function openPayment(
	{ statements }: PayingService,
	order_id: string,
	method: PaymentMethod,
	owner: Owner,
): Promise<Payment | undefined> {
	const opened = await statements.openPayment({
		...{ order_id, owner, method, payable: TRANSITIONS.pay.from, reference: `pay_${randomUUID()}` },
		check_after: method === "instant" ? CHECK_INSTANT_SECONDS : null,
	});
	return opened ?? undefined;
}

/** A payment as reported by the provider, with the order if known. */
type Reported = Pick<Payment, "reference" | "amount_minor"> & Partial<Payment>;

async function settlePayment(
	{ statements }: PayingService,
	{ reference, amount_minor, order_id }: Reported,
	provider_event: string | null = null,
): Promise<Settled> {
	const settlement = { order_id, reference, amount_minor, provider_event, ...argumentsOf("pay") };
	const outcome = (await statements.settlePayment(settlement)) as Settled;
	if (outcome === "paid" || outcome === "late") {
		payments.inc({ outcome });
	}
	if (outcome === "paid") {
		orders.inc({ status: settlement.to });
		revenue.inc({ currency: CURRENCY }, fromMinor(amount_minor));
	}
	return outcome;
}

async function failPayment(
	{ pool }: PayingService,
	{ reference, amount_minor }: Reported,
	provider_event: string | null = null,
): Promise<"failed" | "known" | Refused> {
	const { rows } = await pool.query("SELECT fail_payment($1, $2, $3) AS outcome", [
		reference,
		amount_minor,
		provider_event,
	]);
	const { outcome } = rows[0];
	if (outcome === "failed") {
		payments.inc({ outcome });
	}
	return outcome;
}

async function findPayment({ pool }: PayingService, reference: string): Promise<Payment | undefined> {
	const { rows } = await pool.query<{ payment: Payment }>(
		"SELECT to_jsonb(p) AS payment FROM payments p WHERE reference = $1",
		[reference],
	);
	return rows[0]?.payment;
}
