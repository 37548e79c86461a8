import type { Problems } from "./problem-kind.ts";

/** Problems of products and stock. */
export const PRODUCT_PROBLEMS = {
	PRODUCT_NOT_FOUND: {
		status: 404,
		en: "There is no such product.",
		id: "Produk tidak ditemukan",
		advice: "Show the product as removed. Of an order, `errors` names the products.",
	},
	PRODUCT_GROUP_NOT_FOUND: {
		status: 404,
		en: "There is no such group of products.",
		id: "Grup produk tidak ditemukan",
		advice: "Create the group first, or leave `group_id` out.",
	},
	VARIANT_EXISTS: {
		status: 409,
		members: ["product_id"],
		en: "The product {product_id} of this group has these options already.",
		id: "Produk {product_id} di grup ini sudah memiliki opsi yang sama.",
		advice: "Change the product `product_id`, or give other options.",
	},
	GROUP_HAS_VARIANTS: {
		status: 409,
		en: "The options of a group keep their names while it has variants: only their order can change.",
		id: "Nama opsi grup tidak dapat diubah selama grup masih memiliki varian: hanya urutannya yang dapat diubah.",
		advice: "Take the variants out of the group first, or create another group.",
	},
	STOCK_WOULD_BE_NEGATIVE: {
		status: 409,
		en: "The stock would go below zero: only {stock} left.",
		id: "Stok akan menjadi negatif: tersisa {stock}.",
		advice: "Remove fewer units.",
	},
	STOCK_TOO_LARGE: {
		status: 409,
		en: "The stock would go above {max}.",
		id: "Stok akan melebihi {max}.",
		advice: "Add fewer units.",
	},
	STOCK_DIFFERS: {
		status: 409,
		members: ["stock"],
		en: "The stock is {stock}, not {expected}: nothing was changed.",
		id: "Stok sekarang {stock}, bukan {expected}: tidak ada yang diubah.",
		advice: "Decide again from the current `stock`, and send it as `expected`.",
	},
	OUT_OF_STOCK: {
		status: 409,
		en: "There are not enough units: see errors for every short line.",
		id: "Stok tidak cukup: lihat errors untuk setiap baris.",
		advice: "Order no more units than `errors` shows as `available`.",
	},
	RESERVATION_UNDER_WAY: {
		status: 409,
		en: "Another attempt of the same request is being made.",
		id: "Percobaan lain dari permintaan yang sama sedang berjalan.",
		advice: "Call again after a pause, as the orders service does. The HTTP API never returns this code.",
	},
} as const satisfies Problems;
