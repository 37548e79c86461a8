import { Errors } from "moleculer";
import type { z } from "zod";

import type { Language } from "./languages.ts";
import "./messages.ts";

/** A field of the request that is wrong, by its path (`items.0.quantity`). */
export interface FieldError {
	path: string;
	message: string;
	/** Of a line of an order that cannot be had. */
	product_id?: string;
	requested?: number;
	available?: number;
}

interface ProblemKind {
	status: number;
	en: string;
	id: string;
	/** Data that the answer shows beside the text, as RFC 9457's extension members. */
	members?: readonly string[];
}

/**
 * Everything that can go wrong, by its stable code: the HTTP status and what a person reads, in English and
 * Indonesian. `{name}` is filled from the problem's data.
 */
export const PROBLEMS = {
	VALIDATION_FAILED: {
		status: 422,
		en: "The request does not have the right form: see errors.",
		id: "Bentuk permintaan tidak benar: lihat errors.",
	},
	MALFORMED_REQUEST: {
		status: 400,
		en: "This is no HTTP request that can be read.",
		id: "Ini bukan permintaan HTTP yang bisa dibaca.",
	},
	MALFORMED_QUERY: {
		status: 400,
		en: "The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.",
		id: "Query string bukan UTF-8 dengan percent-encoding: tulis é sebagai %C3%A9 dan % sebagai %25.",
	},
	HEADERS_TOO_LARGE: {
		status: 431,
		en: "The headers of the request are too large.",
		id: "Header permintaan terlalu besar.",
	},
	EXPECTATION_FAILED: {
		status: 417,
		en: "What the Expect header wants is not done here.",
		id: "Yang diminta header Expect tidak tersedia di sini.",
	},
	REQUEST_TOO_SLOW: {
		status: 408,
		en: "The request took too long to arrive: send it again, faster.",
		id: "Permintaan terlalu lama diterima: kirim lagi dengan lebih cepat.",
	},
	MALFORMED_BODY: {
		status: 400,
		en: "The body is not valid JSON in UTF-8.",
		id: "Isi permintaan bukan JSON yang sah dalam UTF-8.",
	},
	BODY_TOO_LARGE: {
		status: 413,
		en: "The body is too large: send at most {limit}.",
		id: "Isi permintaan terlalu besar: paling banyak {limit}.",
	},
	UNSUPPORTED_MEDIA_TYPE: {
		status: 415,
		en: "Send the body as application/json in UTF-8.",
		id: "Kirim isi permintaan sebagai application/json dalam UTF-8.",
	},
	NOT_FOUND: {
		status: 404,
		en: "There is nothing at this address.",
		id: "Tidak ada apa pun di alamat ini.",
	},
	METHOD_NOT_ALLOWED: {
		status: 405,
		en: "This address does not take this method: see the Allow header.",
		id: "Alamat ini tidak menerima metode ini: lihat header Allow.",
	},
	UNAUTHENTICATED: {
		status: 401,
		en: "Log in and send the access token as Authorization: Bearer.",
		id: "Silakan login dan kirim token akses sebagai Authorization: Bearer.",
	},
	TOKEN_INVALID: {
		status: 401,
		en: "The token is not valid or has expired: log in again.",
		id: "Token tidak sah atau sudah kedaluwarsa: silakan login lagi.",
	},
	FORBIDDEN: { status: 403, en: "Your role does not allow this.", id: "Peran Anda tidak mengizinkan ini." },
	BAD_CREDENTIALS: { status: 401, en: "Wrong e-mail or password.", id: "Email atau password salah" },
	TOO_MANY_LOGINS: {
		status: 429,
		en: "Too many wrong passwords: try again in {retry_after_s} seconds, or reset the password.",
		id: "Terlalu banyak password salah: coba lagi dalam {retry_after_s} detik, atau atur ulang password.",
	},
	TOO_MANY_REGISTRATIONS: {
		status: 429,
		en: "Too many registrations from your address: try again in {retry_after_s} seconds.",
		id: "Terlalu banyak pendaftaran dari alamat Anda: coba lagi dalam {retry_after_s} detik.",
	},
	TOO_MANY_MAILS: {
		status: 429,
		en: "Such a mail was sent a moment ago: try again in {retry_after_s} seconds.",
		id: "Email seperti itu baru saja dikirim: coba lagi dalam {retry_after_s} detik.",
	},
	WRONG_PASSWORD: {
		status: 403,
		en: "The current password is not right.",
		id: "Password saat ini tidak benar.",
	},
	EMAIL_TAKEN: { status: 400, en: "This e-mail is already registered.", id: "Email sudah terdaftar" },
	USERNAME_TAKEN: { status: 400, en: "This username is already taken.", id: "Username sudah terdaftar" },
	MAIL_TOKEN_INVALID: {
		status: 400,
		en: "The link is not valid, was used or has expired: ask for a new mail.",
		id: "Tautan tidak sah, sudah dipakai, atau kedaluwarsa: minta email baru.",
	},
	LAST_ADMIN: {
		status: 409,
		en: "This is the last admin: make another one first.",
		id: "Ini admin terakhir: buat admin lain dulu.",
	},
	USER_NOT_FOUND: { status: 404, en: "There is no such user.", id: "User tidak ditemukan" },
	PRODUCT_NOT_FOUND: { status: 404, en: "There is no such product.", id: "Produk tidak ditemukan" },
	STOCK_WOULD_BE_NEGATIVE: {
		status: 409,
		en: "The stock would go below zero: only {stock} left.",
		id: "Stok akan menjadi negatif: tersisa {stock}.",
	},
	STOCK_TOO_LARGE: {
		status: 409,
		en: "The stock would go above {max}.",
		id: "Stok akan melebihi {max}.",
	},
	STOCK_DIFFERS: {
		status: 409,
		members: ["stock"],
		en: "The stock is {stock}, not {expected}: nothing was changed.",
		id: "Stok sekarang {stock}, bukan {expected}: tidak ada yang diubah.",
	},
	OUT_OF_STOCK: {
		status: 409,
		en: "There are not enough units: see errors for every short line.",
		id: "Stok tidak cukup: lihat errors untuk setiap baris.",
	},
	RESERVATION_UNDER_WAY: {
		status: 409,
		en: "Another attempt of the same request is being made.",
		id: "Percobaan lain dari permintaan yang sama sedang berjalan.",
	},
	TOTAL_TOO_LARGE: {
		status: 422,
		en: "The total of the order is too large.",
		id: "Total pesanan terlalu besar.",
	},
	ORDER_NOT_FOUND: { status: 404, en: "There is no such order.", id: "Pesanan tidak ditemukan" },
	ORDER_IN_OTHER_STATE: {
		status: 409,
		members: ["state"],
		en: "The order is {state}: this is not possible any more.",
		id: "Status pesanan sekarang {state}: tindakan ini tidak bisa dilakukan lagi.",
	},
	ORDER_NOT_PLACED: {
		status: 503,
		en: "The order was not placed and nothing is held. Try again.",
		id: "Pesanan tidak tercatat dan stok tidak ditahan. Silakan coba lagi.",
	},
	ORDER_UNKNOWN: {
		status: 503,
		en: "It is not known whether the order was placed: repeat it with the same Idempotency-Key, or look at GET /orders.",
		id: "Belum diketahui apakah pesanan tercatat: ulangi dengan Idempotency-Key yang sama, atau lihat GET /orders.",
	},
	PAYMENT_DECLINED: {
		status: 402,
		en: "The payment was declined and nothing was charged: try again or pay in another way.",
		id: "Pembayaran ditolak dan tidak ada yang ditagih: coba lagi atau pakai cara lain.",
	},
	PAYMENT_NOT_MADE: {
		status: 503,
		en: "The payment took too long and was ended; nothing was charged: try again.",
		id: "Pembayaran terlalu lama dan dihentikan; tidak ada yang ditagih: silakan coba lagi.",
	},
	PAYMENT_UNKNOWN: {
		status: 503,
		en: "It is not known yet whether the payment was made: look at the order in a minute. Nothing is charged twice.",
		id: "Belum diketahui apakah pembayaran berhasil: lihat pesanan sebentar lagi. Tidak ada yang ditagih dua kali.",
	},
	PAYMENT_NOT_FOUND: {
		status: 404,
		en: "There is no payment with this reference.",
		id: "Tidak ada pembayaran dengan referensi ini.",
	},
	PAYMENT_AMOUNT_DIFFERS: {
		status: 422,
		en: "The amount is not that of the payment: nothing was changed.",
		id: "Jumlah tidak sama dengan pembayaran: tidak ada yang diubah.",
	},
	WEBHOOK_ID_REUSED: {
		status: 409,
		en: "The id of this webhook came before with another content: nothing was changed. Send each message under an id of its own.",
		id: "Id webhook ini sudah dipakai dengan isi lain: tidak ada yang diubah. Kirim setiap pesan dengan id tersendiri.",
	},
	SIGNATURE_INVALID: {
		status: 401,
		en: "The Toko-Signature is missing, wrong or older than five minutes.",
		id: "Toko-Signature tidak ada, salah, atau lebih lama dari lima menit.",
	},
	KEY_REUSED: {
		status: 422,
		en: "This Idempotency-Key was used for another request: take a new key.",
		id: "Idempotency-Key ini sudah dipakai untuk permintaan lain: pakai kunci baru.",
	},
	KEY_IN_USE: {
		status: 503,
		en: "The first request with this Idempotency-Key is still under way: repeat it in a moment.",
		id: "Permintaan pertama dengan Idempotency-Key ini masih diproses: ulangi sebentar lagi.",
	},
	NOTIFICATION_NOT_FOUND: {
		status: 404,
		en: "There is no such notification.",
		id: "Notifikasi tidak ditemukan",
	},
	NOTIFICATION_NOT_FAILED: {
		status: 409,
		en: "Only a message that failed is sent again; this one is {status}.",
		id: "Hanya pesan yang gagal bisa dikirim ulang; status pesan ini {status}.",
	},
	DEAD_LETTER_NOT_FOUND: {
		status: 404,
		en: "There is no such dead letter.",
		id: "Dead letter tidak ditemukan.",
	},
	DEAD_LETTER_FAILED: {
		status: 409,
		en: "The event failed again and is kept: {reason}",
		id: "Event gagal lagi dan tetap disimpan: {reason}",
	},
	TOO_MANY_REQUESTS: {
		status: 429,
		en: "Too many requests: at most {limit} a second.",
		id: "Terlalu banyak permintaan: paling banyak {limit} per detik.",
	},
	TIMED_OUT: {
		status: 504,
		en: "The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done.",
		id: "Jawaban terlalu lama. Ulangi dengan Idempotency-Key yang sama; tanpa kunci, periksa dulu apakah sudah terjadi.",
	},
	UNAVAILABLE: {
		status: 503,
		en: "The {service} service is away at the moment. Try again.",
		id: "Layanan {service} sedang tidak tersedia. Silakan coba lagi.",
	},
	MESSAGES_NOT_SENT: {
		status: 503,
		en: "The process that sends messages does not answer: it is being replaced.",
		id: "Proses pengirim pesan tidak menjawab: sedang diganti.",
	},
	DATA_BEHIND: {
		status: 503,
		en: "The {service} service is away: its data are older than what others know of them. Its log says how to mend that.",
		id: "Layanan {service} tidak tersedia: datanya lebih lama daripada yang diketahui layanan lain. Log menjelaskan cara memperbaikinya.",
	},
	EVENTS_NOT_PUBLISHED: {
		status: 503,
		en: "The event {event} has waited for {seconds} seconds to be published, although NATS is there: {reason}.",
		id: "Event {event} sudah {seconds} detik menunggu dikirim, padahal NATS tersedia: {reason}.",
	},
	EVENTS_NOT_TAKEN_IN: {
		status: 503,
		en: "Events are not taken in, although NATS is there: {reason}.",
		id: "Event tidak diterima, padahal NATS tersedia: {reason}.",
	},
	INTERNAL: {
		status: 500,
		en: "Something went wrong here. The request id helps us find it.",
		id: "Terjadi kesalahan di sisi kami. Sertakan request id saat melapor.",
	},
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem carries beside its code: values for the text, and the fields that are wrong. */
export interface ProblemData {
	errors?: FieldError[];
	[name: string]: unknown;
}

/**
 * An error with a stable code that travels between nodes and becomes an RFC 9457 answer at the gateway.
 * Throw it: `throw problem("PRODUCT_NOT_FOUND")`.
 */
export function problem(code: ProblemCode, data: ProblemData = {}): Errors.MoleculerError {
	const { status } = PROBLEMS[code];
	const message = describe(code, data, "en");
	return status < 500
		? withoutStack(() => new Errors.MoleculerClientError(message, status, code, data))
		: new Errors.MoleculerServerError(message, status, code, data);
}

/** A client's mistake says all in its message; a stack costs more than the rest of a refusal. */
function withoutStack<E extends Error>(make: () => E): E {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	try {
		return make();
	} finally {
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** The text of a problem in a language. */
export function describe(code: ProblemCode, data: ProblemData, language: Language): string {
	return PROBLEMS[code][language].replace(/\{(\w+)\}/g, (_, name: string) => String(data[name] ?? "?"));
}

/** The code of an error where it is one of ours, from this node or another. */
export function problemCode(error: unknown): ProblemCode | undefined {
	const type = (error as { type?: unknown } | null)?.type;
	return typeof type === "string" && Object.hasOwn(PROBLEMS, type) ? (type as ProblemCode) : undefined;
}

/** So many mistakes are told at most: an answer about 100,000 would be too large for a message between nodes. */
export const ERRORS_MAX = 100;

/** What is wrong, field by field, in words that a person can act on. */
export function fieldErrors(error: z.ZodError): FieldError[] {
	const issues = error.issues.filter(
		(issue, place) => !isRepeated(issue, error.issues.slice(place + 1, place + 3)),
	);
	const found = issues.slice(0, ERRORS_MAX).flatMap((issue) => {
		const path = issue.path.map(String);
		if (issue.code === "unrecognized_keys") {
			return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is not a known field" }));
		}
		return [{ path: path.join("."), message: lowerFirst(issue.message) }];
	});
	return found.slice(0, ERRORS_MAX);
}

/** Zod holds whole numbers to what a double can count first, then to the bound that the contract gives. */
function isRepeated(issue: z.core.$ZodIssue, next: z.core.$ZodIssue[]): boolean {
	return (
		(issue.code === "too_big" || issue.code === "too_small") &&
		issue.origin === "int" &&
		next.some(({ code, path }) => code === issue.code && path.join() === issue.path.join())
	);
}

function lowerFirst(text: string): string {
	return text.charAt(0).toLowerCase() + text.slice(1);
}
