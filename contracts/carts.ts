import { z } from "zod";
import { action } from "./contract.ts";
import { integerId, line, moment, opaqueId, whole } from "./fields.ts";
import { EXAMPLE as ORDER } from "./order-schemas.ts";
import { QUANTITY_MAX } from "./product-schemas.ts";
import { CART_HEADER, cartToken, quote } from "./quotes.ts";

const { items, voucher_code, shipping_method, ...amounts } = quote.shape;

const TOKEN = "Zk3v0nT8yN2sQm5rXb7LwA1cE9uHfJ4dGpR6tYiKoVs";

const EXAMPLE = {
	id: "01a2f8c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b",
	status: "open" as const,
	version: 1,
	order_id: null,
	merged_into: null,
	items: ORDER.items.map((item) => ({ ...item, available: 40, price_changed_from: 90_000 })),
	subtotal: 184_000,
	discount: 0,
	shipping: 0,
	tax: 0,
	tax_included: true,
	total: 184_000,
	currency: "IDR",
	weight_g: 500,
	reasons: [],
	created_at: "2026-11-23T08:00:00.000Z",
	touched_at: "2026-11-23T08:00:00.000Z",
};

/** A cart in the API, with the prices of now. */
export const cart = z
	.strictObject({
		id: z.uuid(),
		/** `ordered` and `merged` carts stay as they are. */
		status: z.enum(["open", "ordered", "merged"]).meta({ id: "CartStatus" }),
		/** Raised by each change. */
		version: z.int(),
		/** The order of an ordered cart. */
		order_id: z.uuid().nullable(),
		/** The user's cart that took over the items of a merged one. */
		merged_into: z.uuid().nullable(),
		/** In the order in which products were first put. The amounts of a line that cannot be ordered now are 0. */
		items: z.array(
			z
				.strictObject({
					...items.element.shape,
					/** Null if the product is not sold any more; then name and options are those of before. */
					price: z.number().nullable(),
					/** Units in stock; 0 if the product is not sold any more. */
					available: z.int(),
					/** The price when the line was last put, if it was another one. */
					price_changed_from: z.number().nullable(),
				})
				.meta({ id: "CartItem" }),
		),
		/** Sums of the lines that can be ordered now, collected (`pickup`) and without a voucher. */
		...amounts,
		created_at: moment,
		/** Time of the last change, or within a day of the last reading. */
		touched_at: moment,
	})
	.meta({ id: "Cart", examples: [EXAMPLE] });

/** A cart after a request for one. */
const givenCart = z
	.strictObject({
		...cart.shape,
		/** For `Cart-Token`; only in the answer to the request that began the cart, later ones have null. */
		token: z.string().nullable(),
	})
	.meta({ id: "GivenCart", examples: [{ ...EXAMPLE, items: [], token: TOKEN }] });

const id = opaqueId.meta({ examples: [EXAMPLE.id] });
const headers = { [CART_HEADER]: "cart_token" };

/** The actions of orders that are about carts. */
export const cartActions = {
	beginCart: action({
		summary:
			"Begin a cart; with a user's token the user's open cart, which is begun if there is none. Only the answer 201 has its token",
		permissions: "public",
		problems: ["UNAUTHENTICATED", "TOKEN_INVALID"],
		params: z.strictObject({}),
		result: givenCart,
		rest: {
			method: "POST",
			path: "/carts",
			status: 201,
			location: "/carts/:id",
			isFound: ({ token }) => token === null,
		},
		isSecret: true,
	}),
	cart: action({
		summary:
			"A cart with the prices of now, for its owner or by its `Cart-Token`. It holds no units and binds no price",
		permissions: "public",
		problems: ["CART_NOT_FOUND", "TOKEN_INVALID"],
		params: z.strictObject({ id, cart_token: cartToken.optional() }),
		result: cart,
		rest: { method: "GET", path: "/carts/:id", headers },
		idempotent: true,
	}),
	putCartItem: action({
		summary: "Set the quantity of a product in a cart; 0 removes it",
		permissions: "public",
		problems: [
			"CART_NOT_FOUND",
			"CART_ORDERED",
			"CART_MERGED",
			"CART_FULL",
			"PRODUCT_NOT_FOUND",
			"TOKEN_INVALID",
		],
		example: { id: EXAMPLE.id, product_id: "01a20af7e8d300020f7306eb", quantity: 2 },
		params: z.strictObject({
			id,
			product_id: opaqueId,
			quantity: whole(0, QUANTITY_MAX),
			cart_token: cartToken.optional(),
		}),
		result: cart,
		rest: { method: "PUT", path: "/carts/:id/items/:product_id", headers },
		idempotent: true,
		isOwned: true,
	}),
	mergeCart: action({
		summary:
			"Add the items of a guest's cart, by its `Cart-Token`, to the open cart of the user, once however often it is sent; answers the user's cart",
		permissions: "user",
		problems: ["CART_NOT_FOUND", "CART_ORDERED", "CART_MERGED", "CART_FULL", "CART_QUANTITY_TOO_LARGE"],
		example: { id: EXAMPLE.id, cart_token: TOKEN },
		params: z.strictObject({ id, cart_token: cartToken.optional() }),
		result: cart,
		rest: { method: "POST", path: "/carts/:id/merge", headers },
		idempotent: true,
	}),
	findCart: action({
		summary: "A cart by its id, for the operator",
		permissions: "admin",
		problems: ["CART_NOT_FOUND"],
		params: z.strictObject({ id: line(1, 64) }),
		result: z.strictObject({ ...cart.shape, user_id: integerId.nullable() }),
		idempotent: true,
	}),
};
