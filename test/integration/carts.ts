import { expect } from "@jest/globals";
import { type Answer, api } from "./rest.ts";
import type { Person } from "./shop.ts";

/** A cart as its first answer gives it. */
export interface Cart {
	id: string;
	token: string;
}

/** Returns the header that proves the right to use a cart. */
export const by = ({ token }: Pick<Cart, "token">) => ({ "cart-token": token });

/**
 * Returns functions that send requests about carts to the API of a gateway.
 *
 * @param address Returns the address of the gateway, which is known once it has started.
 */
export function carts(address: () => string) {
	const { call, post } = api(address);
	return {
		call,
		post,
		async newCart(as?: Person): Promise<Cart> {
			const { status, body } = await post("/carts", as, undefined);
			expect(status).toBe(201);
			return body;
		},
		/** By the token of the cart, or as its owner. */
		put(cart: Cart, product: { id: string }, quantity: unknown, as?: Person): Promise<Answer> {
			return call("PUT", `/carts/${cart.id}/items/${product.id}`, as, { quantity }, as ? {} : by(cart));
		},
		read: (cart: Cart) => call("GET", `/carts/${cart.id}`, undefined, undefined, by(cart)),
		merge: (guest: Cart, as: Person) => call("POST", `/carts/${guest.id}/merge`, as, {}, by(guest)),
		order(cart: Cart, as: Person, more: object = {}, headers: Record<string, string> = {}) {
			return post("/orders", as, { cart_id: cart.id, ...more }, { ...by(cart), ...headers });
		},
	};
}
