import { z } from "zod";
import { address } from "./addresses.ts";
import { moment, opaqueId, text } from "./fields.ts";
import { sum } from "./money.ts";
import { EXAMPLE, order } from "./order-schemas.ts";
import { ORDER_LINES_MAX, orderLine } from "./product-schemas.ts";
import { shippingCode } from "./shipping.ts";
import { voucherCode } from "./vouchers.ts";

/** Header with the token of a cart. */
export const CART_HEADER = "cart-token";

/** Token of a cart. Any text is accepted, so that a wrong one finds nothing. */
export const cartToken = z.string().meta({ examples: ["Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs"] });

/** Fields of a request for an order or its price. */
export const orderFields = {
	/** Required without a `cart_id`. */
	items: z.array(orderLine).min(1).max(ORDER_LINES_MAX).optional(),
	/** The cart to order, instead of items; its owner needs no `Cart-Token`. */
	cart_id: opaqueId.optional(),
	voucher_code: voucherCode.optional(),
	/** Without it, an order without address is collected (`pickup`). */
	shipping_method: shippingCode.optional(),
	address: address.optional(),
	/** One of the user's own addresses. */
	address_id: opaqueId.optional(),
	/** The total that the buyer has seen: the order is refused if it costs something else. */
	expected_total: sum.optional(),
	/** Address that is not checked and not shipped to. */
	shipping_address: text(1, 500).optional(),
	note: text(1, 500).optional(),
};

const ADDRESSES = ["address", "address_id", "shipping_address"] as const;

/** Refuses a request with several addresses, and one with items and a cart or with neither. */
export function checkOrder(
	given: { readonly [Name in "items" | "cart_id" | (typeof ADDRESSES)[number]]?: unknown },
	check: z.RefinementCtx,
): void {
	if ((given.items === undefined) === (given.cart_id === undefined)) {
		const [path, message] =
			given.items === undefined
				? ["items", "give either items or a cart_id"]
				: ["cart_id", "must not be given with items: give one of items, cart_id"];
		check.addIssue({ code: "custom", path: [path], message });
	}
	const [, second] = ADDRESSES.filter((name) => given[name] !== undefined);
	if (second) {
		const message = `must not be given with another address: give one of ${ADDRESSES.join(", ")}`;
		check.addIssue({ code: "custom", path: [second], message });
	}
}

/** A request for the price of an order. */
export const orderRequest = z
	.strictObject({ ...orderFields, cart_token: cartToken.optional() })
	.superRefine(checkOrder);

const { items, ...costs } = order.pick({
	items: true,
	subtotal: true,
	discount: true,
	shipping: true,
	tax: true,
	tax_included: true,
	total: true,
	currency: true,
	voucher_code: true,
	shipping_method: true,
}).shape;

/** Quote of an order: its price now. */
export const quote = z
	.strictObject({
		items: z.array(
			z
				.strictObject({
					...items.element.shape,
					/** Units in stock. */
					available: z.int(),
				})
				.meta({ id: "QuoteItem" }),
		),
		...costs,
		/** Weight of the items that are shipped. */
		weight_g: z.int(),
		/** Reasons for which an order would be refused: the price is the one without what does not apply. */
		reasons: z.array(
			z
				.strictObject({
					about: z.enum(["stock", "voucher", "shipping", "total"]),
					/** Code of the problem with which an order would be refused. */
					code: z.string(),
					message: z.string(),
					reason: z.string().optional(),
					line: z.int().optional(),
					available: z.int().optional(),
					total: z.number().optional(),
					missing: z.number().optional(),
					starts_at: moment.optional(),
					ends_at: moment.optional(),
				})
				.meta({ id: "QuoteReason" }),
		),
	})
	.meta({
		id: "Quote",
		examples: [
			{
				items: EXAMPLE.items.map((item) => ({ ...item, available: 40 })),
				subtotal: 184_000,
				discount: 0,
				shipping: 0,
				tax: 0,
				tax_included: true,
				total: 184_000,
				currency: "IDR",
				voucher_code: null,
				shipping_method: "pickup",
				weight_g: 500,
				reasons: [],
			},
		],
	});
