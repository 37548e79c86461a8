import { z } from "zod";
import { action } from "./contract.ts";
import { limit, moment, opaqueId, skip, text, whole } from "./fields.ts";
import { sum } from "./money.ts";

/** Units of a line of an order; more than any order has are refused with what is left. */
const refundItem = z
	.strictObject({
		/** Number of the line in the order, from 1. */
		line: whole(1, 1_000_000),
		quantity: whole(1, 1_000_000_000),
	})
	.meta({ id: "RefundItem", examples: [{ line: 1, quantity: 1 }] });

const newRefund = z
	.strictObject({
		id: opaqueId,
		items: z.array(refundItem).max(1000).default([]),
		/** True to give back what was paid for shipping. */
		shipping: z.boolean().default(false),
		/** Amount in addition to items and shipping, such as for a late delivery. */
		amount: sum.default(0),
		/** True if the units of `items` are in the shop again and go back on sale. */
		restock: z.boolean().default(false),
		reason: text(1, 500).optional(),
	})
	.superRefine(({ items, shipping, amount }, check) => {
		if (items.length === 0 && !shipping && amount === 0) {
			const message = "must name what to refund, or give shipping or an amount above 0";
			check.addIssue({ code: "custom", path: ["items"], message });
		}
	});

export type NewRefund = z.output<typeof newRefund>;

/** Status of a refund's money. */
const refundStatus = z.enum(["pending", "refunded", "refused", "manual"]).meta({ id: "RefundStatus" });

/** A refund in the API. */
export const refund = z
	.strictObject({
		id: z.uuid(),
		order_id: z.uuid(),
		/** Number of the refund within its order, from 1. */
		sequence: z.int(),
		/** Sum of the amounts of items and shipping, and of `other`. */
		amount: z.number(),
		/**
		 * `pending`: the provider has not given the money back yet; `refunded`: it has; `refused`: it never will; `manual`: it
		 * cannot. In the last two cases a person must give the money back in another way.
		 */
		status: refundStatus,
		items: z.array(
			z.strictObject({ line: z.int(), quantity: z.int(), amount: z.number() }).meta({ id: "RefundedItem" }),
		),
		/** Part of the amount that was paid for shipping. */
		shipping: z.number(),
		/** Part of the amount that is neither for items nor for shipping. */
		other: z.number(),
		/** True if its units went back on sale, or will. */
		restock: z.boolean(),
		reason: z.string().nullable(),
		created_at: moment,
		updated_at: moment,
	})
	.meta({
		id: "Refund",
		examples: [
			{
				id: "019ac3f2-6d4e-7b1a-8f00-3c5d2a9e1b77",
				order_id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
				sequence: 1,
				amount: 92_000,
				status: "pending",
				items: [{ line: 1, quantity: 1, amount: 92_000 }],
				shipping: 0,
				other: 0,
				restock: true,
				reason: "Kemasan rusak",
				created_at: "2026-11-25T08:00:00.000Z",
				updated_at: "2026-11-25T08:00:00.000Z",
			},
		],
	});

/** The actions of orders that are about refunds of parts. */
export const refundActions = {
	addRefund: action({
		summary:
			"Refund a part of a paid order: units of its lines, shipping, an amount in addition. Each unit gives back its part of what was paid for its line",
		permissions: "admin",
		problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE", "REFUND_TOO_LARGE"],
		example: {
			id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
			items: [{ line: 1, quantity: 1 }],
			restock: true,
			reason: "Kemasan rusak",
		},
		params: newRefund,
		result: refund,
		rest: { method: "POST", path: "/orders/:id/refunds", status: 201 },
	}),
	refunds: action({
		summary: "The refunds of an order, the first one first: of one's own order, or anybody's for an admin",
		permissions: "user",
		problems: ["ORDER_NOT_FOUND"],
		example: { id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11" },
		params: z.strictObject({ id: opaqueId, skip, limit: limit(20) }),
		result: z.array(refund),
		rest: { method: "GET", path: "/orders/:id/refunds" },
		idempotent: true,
	}),
};
