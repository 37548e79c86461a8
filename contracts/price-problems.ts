import type { Problems } from "./problem-kind.ts";

/** Problems of what an order costs. */
export const PRICE_PROBLEMS = {
	SHIPPING_NOT_AVAILABLE: {
		status: 422,
		members: ["reason"],
		en: "The order cannot be shipped in this way: {reason}.",
		id: "Pesanan tidak dapat dikirim dengan cara ini: {reason}.",
		words: {
			no_method: { en: "choose a method of shipping", id: "pilih metode pengiriman" },
			unknown_method: { en: "there is no such method of shipping", id: "metode pengiriman tidak ditemukan" },
			no_address: { en: "give an address", id: "isi alamat pengiriman" },
			outside_zones: {
				en: "the method does not ship to this address",
				id: "metode ini tidak melayani alamat tersebut",
			},
			too_heavy: {
				en: "it is too heavy for this method",
				id: "terlalu berat untuk metode ini",
			},
		},
		advice:
			"By `reason`: `no_method`: give a `shipping_method`; `unknown_method`: give one of `GET /shipping-methods`; `no_address`: give an `address` or `address_id`; `outside_zones`, `too_heavy`: give another method.",
	},
	SHIPPING_METHOD_NOT_FOUND: {
		status: 404,
		en: "There is no method of shipping {method} that can be changed or removed.",
		id: "Tidak ada metode pengiriman {method} yang dapat diubah atau dihapus.",
		advice: "Correct the code; `pickup` always exists as it is.",
	},
	SHIPPING_METHOD_EXISTS: {
		status: 409,
		en: "There is a method of shipping {method} already.",
		id: "Metode pengiriman {method} sudah ada.",
		advice: "Change the method, or choose another code.",
	},
	VOUCHER_NOT_APPLICABLE: {
		status: 422,
		members: ["reason", "missing", "starts_at", "ends_at"],
		en: "The voucher does not apply to this order: {reason}.",
		id: "Voucher tidak berlaku untuk pesanan ini: {reason}.",
		words: {
			unknown: { en: "there is no such voucher", id: "voucher tidak ditemukan" },
			not_started: { en: "it applies only from {starts_at}", id: "baru berlaku mulai {starts_at}" },
			ended: { en: "it ended at {ends_at}", id: "masa berlakunya berakhir pada {ends_at}" },
			no_eligible_goods: { en: "it is for other goods", id: "voucher ini untuk barang lain" },
			below_minimum: { en: "goods for {missing} more are needed", id: "belanja masih kurang {missing}" },
			nothing_to_discount: { en: "there is nothing to discount", id: "tidak ada yang dapat didiskon" },
		},
		advice:
			"By `reason`: `unknown`: correct the code; `not_started`, `ended`: it does not apply now; `no_eligible_goods`: it is for other goods; `below_minimum`: order goods for `missing` more; `nothing_to_discount`: order without it.",
	},
	VOUCHER_USED_UP: {
		status: 409,
		members: ["reason"],
		en: "The voucher is used up: {reason}.",
		id: "Voucher sudah habis dipakai: {reason}.",
		words: {
			max_uses: { en: "no use is left", id: "kuota pemakaiannya habis" },
			per_user: {
				en: "this buyer has used it as often as allowed",
				id: "batas pemakaian untuk pembeli ini sudah tercapai",
			},
		},
		advice:
			"Order without it. `max_uses`: by all buyers, and a cancelled order may give a use back; `per_user`: by this buyer.",
	},
	VOUCHER_NOT_FOUND: {
		status: 404,
		en: "There is no such voucher.",
		id: "Voucher tidak ditemukan.",
		advice: "Correct the code.",
	},
	VOUCHER_EXISTS: {
		status: 409,
		en: "There is a voucher {code} already.",
		id: "Voucher {code} sudah ada.",
		advice: "Change the voucher, or choose another code.",
	},
	PRICE_CHANGED: {
		status: 409,
		members: ["total"],
		en: "The order costs {total} now: nothing was ordered.",
		id: "Total pesanan sekarang {total}: pesanan tidak dibuat.",
		advice: "Show the buyer `total`, and order again with it as `expected_total` and another key.",
	},
} as const satisfies Problems;
