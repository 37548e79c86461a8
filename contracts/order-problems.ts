import { PRICE_PROBLEMS } from "./price-problems.ts";
import type { Problems } from "./problem-kind.ts";
import { REFUND_PROBLEMS } from "./refund-problems.ts";

/** Problems of orders and payments. */
export const ORDER_PROBLEMS = {
	TOTAL_TOO_LARGE: {
		status: 422,
		en: "The total of the order is too large.",
		id: "Total pesanan terlalu besar.",
		advice: "Split the order.",
	},
	...PRICE_PROBLEMS,
	...REFUND_PROBLEMS,
	ORDER_NOT_FOUND: {
		status: 404,
		en: "There is no such order.",
		id: "Pesanan tidak ditemukan",
		advice: "Correct the id.",
	},
	ORDER_IN_OTHER_STATE: {
		status: 409,
		members: ["state"],
		en: "The order is {state}: this is not possible in this state.",
		id: "Status pesanan sekarang {state}: tindakan ini tidak bisa dilakukan pada status ini.",
		advice: "Read the order again; `state` is its current state.",
	},
	ORDER_NOT_PLACED: {
		status: 503,
		en: "The order was not placed and nothing is held. Try again.",
		id: "Pesanan tidak tercatat dan stok tidak ditahan. Silakan coba lagi.",
		advice: "Repeat the request.",
	},
	ORDER_UNKNOWN: {
		status: 503,
		en: "It is not known whether the order was placed: repeat it with the same Idempotency-Key, or look at GET /orders.",
		id: "Belum diketahui apakah pesanan tercatat: ulangi dengan Idempotency-Key yang sama, atau lihat GET /orders.",
		advice: "Repeat the request with the same `Idempotency-Key`. Without a key, read `GET /orders` first.",
	},
	PAYMENT_DECLINED: {
		status: 402,
		en: "The payment was declined and nothing was charged: try again or pay in another way.",
		id: "Pembayaran ditolak dan tidak ada yang ditagih: coba lagi atau pakai cara lain.",
		advice: "Let the user try again, or choose another method of payment.",
	},
	PAYMENT_NOT_MADE: {
		status: 503,
		en: "The payment took too long and was ended; nothing was charged: try again.",
		id: "Pembayaran terlalu lama dan dihentikan; tidak ada yang ditagih: silakan coba lagi.",
		advice: "Repeat the request.",
	},
	PAYMENT_UNKNOWN: {
		status: 503,
		en: "It is not known yet whether the payment was made: look at the order in a minute. Nothing is charged twice.",
		id: "Belum diketahui apakah pembayaran berhasil: lihat pesanan sebentar lagi. Tidak ada yang ditagih dua kali.",
		advice: "Read the order again after a minute.",
	},
	PAYMENT_NOT_FOUND: {
		status: 404,
		en: "There is no payment with this reference.",
		id: "Tidak ada pembayaran dengan referensi ini.",
		advice: "Correct the reference.",
	},
	PAYMENT_AMOUNT_DIFFERS: {
		status: 422,
		en: "The amount is not that of the payment: nothing was changed.",
		id: "Jumlah tidak sama dengan pembayaran: tidak ada yang diubah.",
		advice: "Correct the amount.",
	},
	WEBHOOK_ID_REUSED: {
		status: 409,
		en: "The id of this webhook came before with another content: nothing was changed. Send each message under an id of its own.",
		id: "Id webhook ini sudah dipakai dengan isi lain: tidak ada yang diubah. Kirim setiap pesan dengan id tersendiri.",
		advice: "Give each event its own id.",
	},
	SIGNATURE_INVALID: {
		status: 401,
		en: "The Toko-Signature is missing, wrong or older than five minutes.",
		id: "Toko-Signature tidak ada, salah, atau lebih lama dari lima menit.",
		advice: "Sign each delivery anew, with the shared secret and the current time.",
	},
	KEY_REUSED: {
		status: 422,
		en: "This Idempotency-Key was used for another request: take a new key.",
		id: "Idempotency-Key ini sudah dipakai untuk permintaan lain: pakai kunci baru.",
		advice: "Create a new key for each new request.",
	},
	KEY_IN_USE: {
		status: 503,
		en: "The first request with this Idempotency-Key is still under way: repeat it in a moment.",
		id: "Permintaan pertama dengan Idempotency-Key ini masih diproses: ulangi sebentar lagi.",
		advice: "Repeat the request with the same key, after the time in `Retry-After`.",
	},
} as const satisfies Problems;
