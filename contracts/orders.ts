import { z } from "zod";
import {
	action,
	contract,
	event,
	forgetUserAction,
	healthAction,
	idempotencyKey,
	KEY_HEADER,
	outboxAction,
	page,
} from "./contract.ts";
import { cursor, integerId, limit, line, moment, opaqueId, skip, text } from "./fields.ts";
import { amount, minorUnits } from "./money.ts";
import { aboutProduct, ORDER_LINES_MAX, orderLine } from "./products.ts";

/** Status of an order. The orders service defines the transitions. */
export const orderStatus = z
	.enum(["pending", "paid", "shipped", "completed", "cancelled", "expired", "refunded"])
	.meta({ id: "OrderStatus" });

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
					product_id: z.string().meta({ examples: ["01a20af7e8d300020f7306eb"] }),
					name: z.string(),
					price: z.number(),
					quantity: z.int(),
					subtotal: z.number(),
				})
				.meta({ id: "OrderItem" }),
		),
		total: z.number(),
		currency: z.string(),
		shipping_address: z.string().nullable(),
		note: z.string().nullable(),
		expires_at: moment,
		created_at: moment,
		updated_at: moment,
	})
	.meta({
		id: "Order",
		examples: [
			{
				id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
				number: "TK-000001",
				user_id: 7,
				status: "pending",
				items: [
					{
						product_id: "01a20af7e8d300020f7306eb",
						name: "Kopi Gayo 250 g",
						price: 92_000,
						quantity: 2,
						subtotal: 184_000,
					},
				],
				total: 184_000,
				currency: "IDR",
				shipping_address: null,
				note: "Tolong dibungkus",
				expires_at: "2026-11-23T08:30:00.000Z",
				created_at: "2026-11-23T08:00:00.000Z",
				updated_at: "2026-11-23T08:00:00.000Z",
			},
		],
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
				id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
				number: "TK-000001",
				user_id: 7,
				status: "pending",
				items: [
					{
						product_id: "01a20af7e8d300020f7306eb",
						name: "Kopi Gayo 250 g",
						price: 92_000,
						quantity: 2,
						subtotal: 184_000,
					},
				],
				total: 184_000,
				currency: "IDR",
				shipping_address: null,
				note: "Tolong dibungkus",
				expires_at: "2026-11-23T08:30:00.000Z",
				created_at: "2026-11-23T08:00:00.000Z",
				updated_at: "2026-11-23T08:00:00.000Z",
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

/** Fate of a hold: its order is pending (`keep`), was paid (`consume`), or is void or missing (`release`). */
export const reservationFate = z.enum(["keep", "consume", "release"]);

/** Declares an event of a status change of an order; all of them have the same data. */
const orderMoved = (summary: string) =>
	event({
		summary,
		version: 1,
		data: z.strictObject({
			order_id: z.uuid(),
			number: z.string(),
			user_id: integerId,
			total_minor: minorUnits,
			currency: z.string(),
		}),
	});

const events = {
	"order.cancelled": orderMoved("An unpaid order was cancelled. Products releases its units."),
	"order.expired": orderMoved("An order was not paid in time. Products releases its units."),
	"order.paid": orderMoved("An order was paid. Products counts its units as sold."),
	"order.shipped": orderMoved("An admin marked a paid order as shipped."),
	"order.completed": orderMoved("An admin marked a shipped order as arrived."),
	"order.refunded": orderMoved("An admin refunded a paid, shipped or completed order."),
	"payment.refunded": event({
		summary: "A payment that arrived when its order could no longer be paid was returned.",
		version: 1,
		data: z.strictObject({
			order_id: z.uuid(),
			number: z.string(),
			user_id: integerId,
			status: orderStatus,
			amount_minor: minorUnits,
			currency: z.string(),
		}),
	}),
	"order.placed": event({
		summary: "An order was placed. Its units are held until it is paid, cancelled or expired.",
		version: 1,
		data: z.strictObject({
			order_id: z.uuid(),
			number: z.string(),
			user_id: integerId,
			total_minor: minorUnits,
			currency: z.string(),
			items: z.array(
				z.strictObject({
					product_id: z.string().meta({ examples: ["01a20af7e8d300020f7306eb"] }),
					name: z.string(),
					price_minor: minorUnits,
					quantity: z.int(),
				}),
			),
		}),
	}),
};

export const orders = contract({
	name: "orders",
	version: 1,
	about: "Orders, payments and what becomes of them",
	store: "PostgreSQL",
	variables: { PAYMENT_WEBHOOK_SECRET: "required", ORDER_TTL_MINUTES: "optional" },
	publishes: { aggregate: "order", events },
	actions: {
		place: action({
			summary: "Place an order: the units are held until it is paid or expires",
			permissions: "user",
			problems: [
				"PRODUCT_NOT_FOUND",
				"OUT_OF_STOCK",
				"TOTAL_TOO_LARGE",
				"KEY_REUSED",
				"ORDER_NOT_PLACED",
				"ORDER_UNKNOWN",
			],
			example: { items: [{ product_id: "01a20af7e8d300020f7306eb", quantity: 2 }], note: "Tolong dibungkus" },
			params: z.strictObject({
				items: z.array(orderLine).min(1).max(ORDER_LINES_MAX),
				shipping_address: text(1, 500).optional(),
				note: text(1, 500).optional(),
				idempotency_key: idempotencyKey.optional(),
			}),
			result: order,
			rest: {
				method: "POST",
				path: "/orders",
				status: 201,
				location: "/orders/:id",
				headers: { [KEY_HEADER]: "idempotency_key" },
			},
			// With a key, a second run returns the first one's response.
			idempotent: ({ idempotency_key }) => idempotency_key !== undefined,
			changes: ({ items }) => items.map(({ product_id }) => aboutProduct(product_id)),
			timeout_ms: 15_000,
		}),
		list: action({
			summary: "One's own orders, newest first; all of them for an admin",
			permissions: "user",
			example: {
				cursor:
					"WyJvcmRlcnMiLCIyMDI2LTExLTIzVDA4OjAwOjAwLjEyMzQ1NiswMDowMCAzZjFjOGE1Mi03ZDFlLTRiMmYtOWM1NS0wYTZmMmY3ZjlmMTEiXQ",
			},
			params: z.strictObject({ skip, limit: limit(20), cursor: cursor.optional() }),
			result: page(order),
			rest: { method: "GET", path: "/orders" },
			idempotent: true,
		}),
		get: action({
			summary: "An order by id: one's own, or anybody's for an admin",
			permissions: "user",
			problems: ["ORDER_NOT_FOUND"],
			params: z.strictObject({ id: opaqueId }),
			result: order,
			rest: { method: "GET", path: "/orders/:id" },
			idempotent: true,
		}),
		cancel: action({
			summary: "Cancel an order that is not paid yet; its units go back on sale",
			permissions: "user",
			problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
			params: z.strictObject({ id: opaqueId }),
			result: order,
			rest: { method: "POST", path: "/orders/:id/cancel" },
		}),
		pay: action({
			summary:
				"Pay an order: `instant` answers 200 with the paid order, `transfer` 202 with what to pay; a webhook settles it. One that costs nothing is paid at once by both",
			permissions: "user",
			problems: [
				"ORDER_NOT_FOUND",
				"ORDER_IN_OTHER_STATE",
				"PAYMENT_DECLINED",
				"PAYMENT_NOT_MADE",
				"PAYMENT_UNKNOWN",
			],
			example: { id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11", method: "transfer" },
			params: z.strictObject({ id: opaqueId, method: z.enum(["instant", "transfer"]).default("instant") }),
			result: payableOrder,
			rest: {
				method: "POST",
				path: "/orders/:id/pay",
				isAccepted: ({ payment }) => payment !== undefined,
			},
			timeout_ms: 15_000,
		}),
		ship: action({
			summary: "A paid order has left the shop",
			permissions: "admin",
			problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
			params: z.strictObject({ id: opaqueId }),
			result: order,
			rest: { method: "POST", path: "/orders/:id/ship" },
		}),
		complete: action({
			summary: "A shipped order has arrived",
			permissions: "admin",
			problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
			params: z.strictObject({ id: opaqueId }),
			result: order,
			rest: { method: "POST", path: "/orders/:id/complete" },
		}),
		refund: action({
			summary:
				"Give the money of an order back; `restock` puts its units back on sale as well. The same once more changes nothing",
			permissions: "admin",
			problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
			example: { id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11", restock: true },
			params: z.strictObject({ id: opaqueId, restock: z.boolean().default(false) }),
			result: order,
			rest: { method: "POST", path: "/orders/:id/refund" },
		}),
		takePaymentEvent: action({
			summary:
				"What the payment provider tells: signed by `Toko-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of t.body>`, each id taken once, with its content",
			permissions: "public",
			problems: ["SIGNATURE_INVALID", "PAYMENT_NOT_FOUND", "PAYMENT_AMOUNT_DIFFERS", "WEBHOOK_ID_REUSED"],
			params: z.strictObject({
				payload: z.string(),
				signature: z
					.string()
					.max(2000)
					.default("")
					.meta({ examples: [`t=1795478400,v1=${"5d41402abc4b2a76".repeat(4)}`] }),
			}),
			result: z.strictObject({ received: z.literal(true) }),
			rest: {
				method: "POST",
				path: "/payments/webhook",
				headers: { "toko-signature": "signature" },
				raw: { param: "payload", body: providerEvent },
			},
		}),
		settleReservations: action({
			summary:
				"What is to become of holds whose time is over; a reservation that no order has can never get one after this",
			permissions: "service",
			params: z.strictObject({ reservation_ids: z.array(z.uuid()).min(1).max(1000) }),
			result: z.array(z.strictObject({ reservation_id: z.uuid(), fate: reservationFate })),
			idempotent: true,
		}),
		settledRestocks: action({
			summary: "Which of these orders will never ask products again to put their units back on sale",
			permissions: "service",
			params: z.strictObject({ order_ids: z.array(z.uuid()).min(1).max(1000) }),
			result: z.strictObject({ order_ids: z.array(z.uuid()) }),
			idempotent: true,
		}),
		pending: action({
			summary:
				"Pending orders and the products that hold their units, those that expire last first, for products to see whether it has the holds",
			permissions: "service",
			params: z.strictObject({
				/** Only the orders of these reservations. */
				among: z.array(z.uuid()).min(1).max(1000).optional(),
			}),
			result: z.array(
				z.strictObject({ number: z.string(), reservation_id: z.uuid(), product_ids: z.array(z.string()) }),
			),
			idempotent: true,
		}),
		newestUsers: action({
			summary: "The newest users of whom there are orders, for users to see whether it knows them all",
			permissions: "service",
			params: z.strictObject({}),
			result: z.strictObject({ user_ids: z.array(integerId) }),
			idempotent: true,
		}),
		forgetUser: forgetUserAction(
			"Take the person out of the orders of a deleted user, as soon as each is settled",
		),
		find: action({
			summary: "An order by its id or its number, for the operator",
			permissions: "admin",
			params: z.strictObject({ id: line(1, 64) }),
			result: order,
			idempotent: true,
		}),
		outbox: outboxAction,
		health: healthAction("order-service", "/health/order"),
	},
});
