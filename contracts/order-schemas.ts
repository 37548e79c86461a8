import { z } from "zod";
import { storedAddress } from "./addresses.ts";
import { integerId, line, moment } from "./fields.ts";
import { amount } from "./money.ts";

/** Status of an order. The orders service defines the transitions. */
export const orderStatus = z
	.enum(["pending", "paid", "shipped", "completed", "cancelled", "expired", "refunded"])
	.meta({ id: "OrderStatus" });

/** The address of an order, as it was when the order was placed. */
const orderAddress = z.strictObject(storedAddress).meta({ id: "OrderAddress" });

/** Example of an order. */
export const EXAMPLE = {
	id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
	number: "TK-000001",
	user_id: 7,
	status: "pending" as const,
	items: [
		{
			line: 1,
			product_id: "01a20af7e8d300020f7306eb",
			name: "Kopi Gayo 250 g",
			options: null,
			price: 92_000,
			quantity: 2,
			subtotal: 184_000,
			discount: 0,
			tax: 0,
			paid: 184_000,
		},
	],
	subtotal: 184_000,
	discount: 0,
	shipping: 0,
	tax: 0,
	tax_included: true,
	total: 184_000,
	refunded: 0,
	currency: "IDR",
	voucher_code: null,
	shipping_method: "pickup",
	address: null,
	carrier: null,
	tracking_number: null,
	shipping_address: null,
	note: "Tolong dibungkus",
	expires_at: "2026-11-23T08:30:00.000Z",
	created_at: "2026-11-23T08:00:00.000Z",
	updated_at: "2026-11-23T08:00:00.000Z",
};

/** An order in the API, with the names and prices at the time it was placed. */
export const order = z
	.strictObject({
		id: z.uuid(),
		number: z.string(),
		user_id: integerId,
		status: orderStatus,
		items: z.array(
			z
				.strictObject({
					/** Number of the line, from 1. */
					line: z.int(),
					product_id: z.string().meta({ examples: ["01a20af7e8d300020f7306eb"] }),
					name: z.string(),
					/** Options of a variant by name. */
					options: z.record(z.string(), z.string()).nullable(),
					price: z.number(),
					quantity: z.int(),
					/** Price × quantity. */
					subtotal: z.number(),
					discount: z.number(),
					tax: z.number(),
					/** Subtotal less the discount, with the tax where prices exclude it. */
					paid: z.number(),
				})
				.meta({ id: "OrderItem" }),
		),
		/** Sum of the items before the discount. */
		subtotal: z.number(),
		/** Discount on items and shipping. */
		discount: z.number(),
		/** Fee of shipping before its discount. */
		shipping: z.number(),
		/** Tax on items and shipping: within the total if `tax_included`, else added to it. */
		tax: z.number(),
		tax_included: z.boolean(),
		total: z.number(),
		/** Sum of its refunds. */
		refunded: z.number(),
		currency: z.string(),
		voucher_code: z.string().nullable(),
		shipping_method: z.string().nullable(),
		address: orderAddress.nullable(),
		/** By whom the order is carried, and under which number, as its shipping was recorded. */
		carrier: z.string().nullable(),
		tracking_number: z.string().nullable(),
		shipping_address: z.string().nullable(),
		note: z.string().nullable(),
		expires_at: moment,
		created_at: moment,
		updated_at: moment,
	})
	.meta({
		id: "Order",
		examples: [EXAMPLE],
	});

/**
 * An order after a request to pay it. While payment is due, `payment` has the amount and the reference to pay under.
 */
export const payableOrder = z
	.strictObject({
		...order.shape,
		payment: z
			.strictObject({
				reference: z.string(),
				amount: z.number(),
				due_at: moment,
			})
			.meta({ id: "PaymentDue" })
			.optional(),
	})
	.meta({
		id: "PayableOrder",
		examples: [
			{
				...EXAMPLE,
				payment: {
					reference: "b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10",
					amount: 184_000,
					due_at: "2026-11-23T08:30:00.000Z",
				},
			},
		],
	});

/** Webhook of a payment provider; `amount` in the shop's currency. */
export const providerEvent = z
	.strictObject({
		id: line(1, 255),
		type: z.enum(["payment.settled", "payment.failed"]),
		reference: line(1, 255),
		amount: amount,
	})
	.meta({
		id: "PaymentEvent",
		examples: [
			{
				id: "evt_1",
				type: "payment.settled",
				reference: "b6ad4a0e-6f0c-4d0c-8d0f-3f7f1a3f2a10",
				amount: 184_000,
			},
		],
	});
