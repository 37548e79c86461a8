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

/**
 * A payment company. All methods are idempotent by reference, so they can be called again after a lost response or by
 * another process. An error without a response leaves the outcome unknown, and `cancel` determines it.
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
	/** Refunds a settled charge. */
	refund(reference: string, amount_minor: number): Promise<void>;
}
