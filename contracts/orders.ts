import { z } from "zod";
import { cartActions } from "./carts.ts";
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
import { cursor, integerId, limit, line, opaqueId, skip } from "./fields.ts";
import { invoiceActions } from "./invoices.ts";
import { minorUnits } from "./money.ts";
import { order, orderStatus, payableOrder, providerEvent } from "./order-schemas.ts";
import { aboutProduct } from "./products.ts";
import { CART_HEADER, cartToken, checkOrder, orderFields, orderRequest, quote } from "./quotes.ts";
import { refundActions } from "./refunds.ts";
import { shippingActions } from "./shipping.ts";
import { voucherActions } from "./vouchers.ts";

/** Fate of a hold: its order is pending (`keep`), was paid (`consume`), or is void or missing (`release`). */
export const reservationFate = z.enum(["keep", "consume", "release"]);

const movedData = {
	order_id: z.uuid(),
	number: z.string(),
	user_id: integerId,
	total_minor: minorUnits,
	currency: z.string(),
};

/** Declares an event of a status change of an order; all of them have the same data. */
const orderMoved = (summary: string) =>
	event({
		summary,
		version: 1,
		data: z.strictObject(movedData),
	});

const events = {
	"order.cancelled": orderMoved("An unpaid order was cancelled. Products releases its units."),
	"order.expired": orderMoved("An order was not paid in time. Products releases its units."),
	"order.paid": orderMoved("An order was paid. Products counts its units as sold."),
	"order.shipped": event({
		summary: "An admin marked a paid order as shipped.",
		version: 1,
		data: z.strictObject({
			...movedData,
			/** Left out where unknown, and for notifications of the version before. */
			carrier: z.string().optional(),
			tracking_number: z.string().optional(),
		}),
	}),
	"order.completed": orderMoved("An admin marked a shipped order as arrived."),
	"order.refunded": event({
		summary:
			"A paid, shipped or completed order was refunded: all of its money goes back, or the rest after refunds of parts.",
		version: 1,
		data: z.strictObject({
			...movedData,
			/** The rest. Left out for the whole, and for notifications of the version before. */
			amount_minor: minorUnits.optional(),
		}),
	}),
	"order.partly_refunded": event({
		summary: "An admin refunded a part of an order. `refunded_minor` is the sum of all its refunds so far.",
		version: 1,
		data: z.strictObject({
			...movedData,
			refund_id: z.uuid(),
			amount_minor: minorUnits,
			refunded_minor: minorUnits,
		}),
	}),
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
			/** The parts of the total besides the items. Left out where 0, and for notifications of the version before. */
			discount_minor: minorUnits.optional(),
			shipping_minor: minorUnits.optional(),
			tax_minor: minorUnits.optional(),
			/** True if the items and shipping include the tax. */
			tax_included: z.boolean().optional(),
			items: z.array(
				z.strictObject({
					product_id: z.string().meta({ examples: ["01a20af7e8d300020f7306eb"] }),
					name: z.string(),
					price_minor: minorUnits,
					quantity: z.int(),
					/** Options of a variant by name. Left out for notifications of the version before. */
					options: z.record(z.string(), z.string()).optional(),
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
	audits: ["MongoDB"],
	variables: {
		PAYMENT_WEBHOOK_SECRET: "required",
		ORDER_TTL_MINUTES: "optional",
		AUDIT_EVERY: "optional",
		TZ: "optional",
	},
	publishes: { aggregate: "order", events },
	actions: {
		place: action({
			summary:
				"Place an order of `items` or of the cart `cart_id`: the units are held until it is paid or expires",
			permissions: "user",
			problems: [
				"PRODUCT_NOT_FOUND",
				"OUT_OF_STOCK",
				"TOTAL_TOO_LARGE",
				"SHIPPING_NOT_AVAILABLE",
				"ADDRESS_NOT_FOUND",
				"VOUCHER_NOT_APPLICABLE",
				"VOUCHER_USED_UP",
				"PRICE_CHANGED",
				"CART_NOT_FOUND",
				"CART_ORDERED",
				"CART_MERGED",
				"CART_CHANGED",
				"CART_EMPTY",
				"KEY_REUSED",
				"ORDER_NOT_PLACED",
				"ORDER_UNKNOWN",
			],
			example: { items: [{ product_id: "01a20af7e8d300020f7306eb", quantity: 2 }], note: "Tolong dibungkus" },
			params: z
				.strictObject({
					...orderFields,
					idempotency_key: idempotencyKey.optional(),
					cart_token: cartToken.optional(),
				})
				.superRefine(checkOrder),
			result: order,
			rest: {
				method: "POST",
				path: "/orders",
				status: 201,
				location: "/orders/:id",
				headers: { [KEY_HEADER]: "idempotency_key", [CART_HEADER]: "cart_token" },
			},
			// With a key, a second run returns the first one's response.
			idempotent: ({ idempotency_key }) => idempotency_key !== undefined,
			changes: ({ items }, placed) =>
				(items ?? placed?.items ?? []).map(({ product_id }) => aboutProduct(product_id)),
			timeout_ms: 15_000,
			// Orders that wait for each other's stock would also delay those who only read products.
			bulkhead: { concurrency: 64, maxQueueSize: 2000 },
		}),
		quote: action({
			summary:
				"What an order would cost now, with the reasons for which it would be refused; nothing is held. A token is needed only for an `address_id`, and tells whose uses of a voucher count",
			permissions: "public",
			problems: [
				"PRODUCT_NOT_FOUND",
				"TOTAL_TOO_LARGE",
				"ADDRESS_NOT_FOUND",
				"CART_NOT_FOUND",
				"CART_ORDERED",
				"CART_MERGED",
				"CART_EMPTY",
				"UNAUTHENTICATED",
				"TOKEN_INVALID",
			],
			example: { items: [{ product_id: "01a20af7e8d300020f7306eb", quantity: 2 }] },
			params: orderRequest,
			result: quote,
			rest: { method: "POST", path: "/orders/quote", headers: { [CART_HEADER]: "cart_token" } },
			idempotent: true,
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
			// Waits for the payment provider.
			bulkhead: { concurrency: 64, maxQueueSize: 64 },
		}),
		ship: action({
			summary: "A paid order has left the shop; its mail names the carrier and the tracking number",
			permissions: "admin",
			problems: ["ORDER_NOT_FOUND", "ORDER_IN_OTHER_STATE"],
			example: {
				id: "3f1c8a52-7d1e-4b2f-9c55-0a6f2f7f9f11",
				carrier: "JNE",
				tracking_number: "CGK1234567890",
			},
			params: z.strictObject({
				id: opaqueId,
				carrier: line(1, 100).optional(),
				tracking_number: line(1, 100).optional(),
			}),
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
				"Give the money of an order back, or what is left of it; `restock` puts those units back on sale as well. The same once more changes nothing",
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
		...refundActions,
		...shippingActions,
		...voucherActions,
		...invoiceActions,
		...cartActions,
		settleReservations: action({
			summary: "How to settle expired holds; a reservation without an order can never get one after this",
			permissions: "service",
			params: z.strictObject({ reservation_ids: z.array(z.uuid()).min(1).max(1000) }),
			result: z.array(z.strictObject({ reservation_id: z.uuid(), fate: reservationFate })),
			idempotent: true,
		}),
		settledRestocks: action({
			summary:
				"Which of these orders and refunds will never ask products again to put their units back on sale",
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
