/** How a customer pays: at once, or later by a transfer that the provider tells us of by webhook. */
export type PaymentMethod = "instant" | "transfer";

/** What a provider is asked to charge. */
export interface Charge {
	/** Ours, unique: the same reference again is the same charge. */
	reference: string;
	method: PaymentMethod;
	/** In the currency's smallest unit. */
	amount_minor: number;
	/** ISO 4217. */
	currency: string;
	/** What the customer reads on the bill: the order's number. */
	description: string;
	due_at: Date;
}

/**
 * A company that takes money for us. Every method may be called again with the same reference, after a lost answer or
 * by another process, and then does nothing more. A failure without an answer throws: what became of the charge is then
 * not known, and `cancel` finds out.
 */
export interface PaymentProvider {
	name: string;
	/**
	 * Asks for the money: `settled` it is here, `pending` a webhook will tell, `declined` it will not come, `cancelled`
	 * we had ended it before.
	 */
	charge(charge: Charge): Promise<"settled" | "pending" | "declined" | "cancelled">;
	/** Ends a charge that did not settle, also one that has not arrived there yet; `settled` where it is too late. */
	cancel(reference: string): Promise<"settled" | "cancelled">;
	/** Gives the money of a settled charge back. */
	refund(reference: string, amount_minor: number): Promise<void>;
}
