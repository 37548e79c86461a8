import type { ProblemCode } from "../../contracts/problems.ts";
import { BOUGHT, type OrderStatus, TRANSITIONS } from "./states.ts";

/**
 * What an attempt to pay an order led to: no payment was opened, since the order was not payable any more; this attempt
 * has paid it (`paid`); the provider had the money, but the payment was settled otherwise (`settled`); or the provider
 * did not take it.
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
			// Of two concurrent requests both succeed; one that comes later is refused.
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
