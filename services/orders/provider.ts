import { inChildSpan } from "../../observability/tracing.ts";

/** Payment method: charged at once, or a later transfer that the provider reports by webhook. */
export type PaymentMethod = "instant" | "transfer";

/** A request to charge a customer. */
export interface Charge {
	/** The shop's unique id of the charge: the same reference is the same charge. */
	reference: string;
	method: PaymentMethod;
	/** In minor units of the currency. */
	amount_minor: number;
	/** ISO 4217. */
	currency: string;
	/** Text on the customer's bill: the number of the order. */
	description: string;
	due_at: Date;
}

/** A request to give back a charge or a part of it. */
export interface RefundRequest {
	/** The shop's unique id of the refund: the same id is the same refund. */
	id: string;
	/** The charge. There may be several refunds of one charge. */
	reference: string;
	/** In minor units of the currency, above 0. */
	amount_minor: number;
	/** Amount of the charge. */
	charged_minor: number;
}

/**
 * Decision of the provider about a refund: `refunded` if the money goes back; `refused` if it never will, such as
 * because more than the charge would go back; `manual` if a person must give it back in another way, such as because the
 * charge is too old.
 */
export type RefundOutcome = "refunded" | "refused" | "manual";

/**
 * A payment company. All methods are idempotent, `refund` by its id and the others by reference, so they can be
 * called again after a lost response or by another process. An error without a response leaves the outcome unknown, and `cancel` determines it.
 */
export interface PaymentProvider {
	name: string;
	/**
	 * Charges the customer: `settled` if the money was received, `pending` if a webhook will report it, `declined` if it
	 * was refused, `cancelled` if the charge was cancelled before.
	 */
	charge(charge: Charge): Promise<"settled" | "pending" | "declined" | "cancelled">;
	/** Cancels an unsettled charge, even if it has not reached the provider yet; returns `settled` if it is too late. */
	cancel(reference: string): Promise<"settled" | "cancelled">;
	/** Gives back a settled charge or a part of it. An error leaves the outcome unknown: then it is called again. */
	refund(refund: RefundRequest): Promise<RefundOutcome>;
}

/** Returns a provider whose calls are spans. Neither references nor amounts are in them. */
export function tracedProvider(provider: PaymentProvider): PaymentProvider {
	const traced = <T>(operation: string, work: () => Promise<T>) =>
		inChildSpan({ name: `${operation} ${provider.name}`, kind: "client" }, work);
	return {
		name: provider.name,
		charge: (charge) => traced("charge", () => provider.charge(charge)),
		cancel: (reference) => traced("cancel", () => provider.cancel(reference)),
		refund: (refund) => traced("refund", () => provider.refund(refund)),
	};
}
