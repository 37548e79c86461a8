import type { Problems } from "./problem-kind.ts";

/** Problems of carts. */
export const CART_PROBLEMS = {
	CART_NOT_FOUND: {
		status: 404,
		en: "There is no such cart, or its token is missing or wrong.",
		id: "Keranjang tidak ditemukan, atau tokennya tidak ada atau salah.",
		advice:
			"Send the token of this cart as `Cart-Token`, or the access token of its owner. A cart that nobody touched for 30 days is removed: begin a new one.",
	},
	CART_ORDERED: {
		status: 409,
		members: ["order_id"],
		en: "The cart was ordered already, as the order {order_id}.",
		id: "Keranjang sudah dipesan, sebagai pesanan {order_id}.",
		advice: "Show the order `order_id`; begin a new cart for more.",
	},
	CART_MERGED: {
		status: 409,
		members: ["cart_id"],
		en: "The cart was merged into the cart {cart_id} of its user.",
		id: "Keranjang sudah digabungkan ke keranjang {cart_id} milik penggunanya.",
		advice: "Use the cart `cart_id` with its owner's access token.",
	},
	CART_CHANGED: {
		status: 409,
		en: "The cart was changed while it was ordered: nothing was ordered.",
		id: "Keranjang berubah saat sedang dipesan: pesanan tidak dibuat.",
		advice: "Read the cart, show it to the buyer, and order again with another key.",
	},
	CART_EMPTY: {
		status: 422,
		en: "The cart is empty: there is nothing to order.",
		id: "Keranjang kosong: tidak ada yang dapat dipesan.",
		advice: "Put something into the cart first, and order with another key.",
	},
	CART_FULL: {
		status: 409,
		members: ["max"],
		en: "A cart has at most {max} products: nothing was changed.",
		id: "Keranjang berisi paling banyak {max} produk: tidak ada yang diubah.",
		advice: "Remove products first, or order the cart and begin another one.",
	},
	CART_QUANTITY_TOO_LARGE: {
		status: 409,
		members: ["product_id", "max"],
		en: "Together there would be more than {max} units of product {product_id}: nothing was changed.",
		id: "Jumlah produk {product_id} akan melebihi {max} unit: tidak ada yang diubah.",
		advice: "Lower the quantity of this product in one of the two carts, then merge them again.",
	},
} as const satisfies Problems;
