import type { EventData, EventName, ParamsOf } from "../../contracts/actions.ts";

/** Languages of the messages; the first one is the default. */
export const LOCALES = ["id", "en"] as const;
export type Locale = (typeof LOCALES)[number];

type TokenPurpose = NonNullable<ParamsOf<"v1.users.contact">["token_for"]>;

/** The message to a customer about an event. */
export interface Message<N extends EventName = EventName> {
	/** Name of its templates: `templates/<locale>/<type>.html`, and `.txt` if it is sent as an SMS too. */
	type: string;
	/** Purpose of the token in its link, if it has one. */
	token_for?: TokenPurpose;
	/**
	 * True if it warns of a change that someone else may have made. It is sent to the address that the account had at the
	 * time of the event, whatever its address is when the message is sent.
	 */
	warns?: true;
	/** Example of the event's data, with which the templates are validated at the start. */
	example: EventData<N>;
	/** Names of data that an event may lack. Templates are validated without them too, and find null. */
	optional?: readonly string[];
}

type Messages = { [N in EventName]?: Message<N> };

const order = {
	order_id: "00000000-0000-4000-8000-000000000000",
	number: "TK-000001",
	user_id: 1,
	total_minor: 1_250_000,
	currency: "IDR",
};

/** The messages to customers by event. */
export const MESSAGES = {
	"user.registered": { type: "welcome", token_for: "verify", example: { user_id: 1 } },
	"user.verification_requested": { type: "verify_email", token_for: "verify", example: { user_id: 1 } },
	"user.email_change_announced": { type: "change_email_warning", warns: true, example: { user_id: 1 } },
	"user.email_change_requested": { type: "change_email", token_for: "change", example: { user_id: 1 } },
	"user.email_changed": { type: "email_changed", warns: true, example: { user_id: 1 } },
	"user.password_changed": { type: "password_changed", warns: true, example: { user_id: 1 } },
	"user.password_reset_requested": { type: "reset_password", token_for: "reset", example: { user_id: 1 } },
	"order.placed": {
		type: "order_confirmation",
		example: {
			...order,
			items: [
				{
					...{ product_id: "p", name: "Kaos", price_minor: 625_000, quantity: 2 },
					options: { ukuran: "M", warna: "Merah" },
				},
			],
			...{ discount_minor: 50_000, shipping_minor: 50_000, tax_minor: 123_874, tax_included: true },
		},
		optional: ["discount_minor", "shipping_minor", "tax_minor", "tax_included"],
	},
	"order.paid": { type: "order_paid", example: order },
	"order.shipped": {
		type: "order_shipped",
		example: { ...order, carrier: "JNE", tracking_number: "CGK1234567890" },
		optional: ["carrier", "tracking_number"],
	},
	"order.cancelled": { type: "order_cancelled", example: order },
	"order.expired": { type: "order_expired", example: order },
	"order.refunded": {
		type: "order_refunded",
		example: { ...order, amount_minor: 250_000 },
		optional: ["amount_minor"],
	},
	"order.partly_refunded": {
		type: "order_partly_refunded",
		example: {
			...order,
			refund_id: "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77",
			...{ amount_minor: 625_000, refunded_minor: 1_000_000 },
		},
	},
	"payment.refunded": {
		type: "payment_refunded",
		example: {
			...{ order_id: order.order_id, number: order.number, user_id: 1, status: "expired" },
			...{ amount_minor: 1_250_000, currency: "IDR" },
		},
	},
} satisfies Messages;
