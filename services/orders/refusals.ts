import type { ProblemCode } from "../../contracts/problem-codes.ts";
import { BOUGHT, type OrderStatus, TRANSITIONS } from "./states.ts";

/**
 * Outcome of an attempt to pay an order.
 *
 * - `not opened`: the order could no longer be paid, so no payment was opened.
 * - `paid`: this attempt has paid it.
 * - `settled`: the provider has the money, but the order was paid by another attempt, or its payment came too late.
 * - `declined`, `cancelled`: the provider has no money.
 */
export type PaymentOutcome = "not opened" | "paid" | "settled" | "declined" | "cancelled";

/**
 * Decides whether an attempt to pay has succeeded, from the states of the order before and after it.
 *
 * @param isRepetition True if an earlier attempt of the same request may have paid the order.
 * @returns The refusal; undefined if the order is paid. It may have been shipped or completed since.
 */
export function paymentRefusal(
	outcome: PaymentOutcome,
	before: OrderStatus,
	after: OrderStatus,
	isRepetition: boolean,
): ProblemCode | undefined {
	const isPaid = BOUGHT.includes(after);
	switch (outcome) {
		case "paid":
			return undefined;
		case "settled":
			return isPaid ? undefined : "ORDER_IN_OTHER_STATE";
		case "not opened":
			// Concurrent requests all succeed. A later request is refused.
			return isPaid && (isPayable(before) || isRepetition) ? undefined : "ORDER_IN_OTHER_STATE";
		case "declined":
			return isPaid ? undefined : "PAYMENT_DECLINED";
		case "cancelled":
			// This process was delayed beyond `check_at`, when another one cancelled the payment.
			return isPaid ? undefined : "PAYMENT_NOT_MADE";
	}
}

function isPayable(status: OrderStatus): boolean {
	return (TRANSITIONS.pay.from as readonly OrderStatus[]).includes(status);
}
