import { Errors } from "moleculer";
import type { z } from "zod";

import type { Language } from "./languages.ts";
import "./messages.ts";

/** An invalid field of a request, by its path (`items.0.quantity`). */
export interface FieldError {
	path: string;
	message: string;
	/** Product of an order line that is out of stock. */
	product_id?: string;
	requested?: number;
	available?: number;
}

interface ProblemKind {
	status: number;
	en: string;
	id: string;
	/** Advice for clients, for the reference of errors. */
	advice: string;
	/** Names of the data that the response shows besides the text, as extension members of RFC 9457. */
	members?: readonly string[];
}

/**
 * All problems by their stable code: HTTP status, and messages for people in English and Indonesian. `{name}` is
 * replaced by the problem's data.
 */
export const PROBLEMS = {
	VALIDATION_FAILED: {
		status: 422,
		en: "The request does not have the right form: see errors.",
		id: "Bentuk permintaan tidak benar: lihat errors.",
		advice: "Correct the fields that `errors` names.",
	},
	MALFORMED_REQUEST: {
		status: 400,
		en: "This is no HTTP request that can be read.",
		id: "Ini bukan permintaan HTTP yang bisa dibaca.",
		advice: "Correct the HTTP client, or the proxy between it and the shop.",
	},
	MALFORMED_QUERY: {
		status: 400,
		en: "The query string is not percent-encoded UTF-8: encode é as %C3%A9 and % as %25.",
		id: "Query string bukan UTF-8 dengan percent-encoding: tulis é sebagai %C3%A9 dan % sebagai %25.",
		advice: "Encode the query string.",
	},
	HEADERS_TOO_LARGE: {
		status: 431,
		en: "The headers of the request are too large.",
		id: "Header permintaan terlalu besar.",
		advice: "Send fewer or shorter headers.",
	},
	EXPECTATION_FAILED: {
		status: 417,
		en: "What the Expect header wants is not done here.",
		id: "Yang diminta header Expect tidak tersedia di sini.",
		advice: "Leave the `Expect` header out.",
	},
	REQUEST_TOO_SLOW: {
		status: 408,
		en: "The request took too long to arrive: send it again, faster.",
		id: "Permintaan terlalu lama diterima: kirim lagi dengan lebih cepat.",
		advice: "Repeat the request over a faster connection.",
	},
	MALFORMED_BODY: {
		status: 400,
		en: "The body is not valid JSON in UTF-8.",
		id: "Isi permintaan bukan JSON yang sah dalam UTF-8.",
		advice: "Correct the body.",
	},
	BODY_TOO_LARGE: {
		status: 413,
		en: "The body is too large: send at most {limit}.",
		id: "Isi permintaan terlalu besar: paling banyak {limit}.",
		advice: "Send a smaller body.",
	},
	UNSUPPORTED_MEDIA_TYPE: {
		status: 415,
		en: "Send the body as application/json in UTF-8.",
		id: "Kirim isi permintaan sebagai application/json dalam UTF-8.",
		advice: "Send `Content-Type: application/json`.",
	},
	NOT_FOUND: {
		status: 404,
		en: "There is nothing at this address.",
		id: "Tidak ada apa pun di alamat ini.",
		advice: "Correct the address.",
	},
	METHOD_NOT_ALLOWED: {
		status: 405,
		en: "This address does not take this method: see the Allow header.",
		id: "Alamat ini tidak menerima metode ini: lihat header Allow.",
		advice: "Use a method that the `Allow` header names.",
	},
	UNAUTHENTICATED: {
		status: 401,
		en: "Log in and send the access token as Authorization: Bearer.",
		id: "Silakan login dan kirim token akses sebagai Authorization: Bearer.",
		advice: "Log in, and send the access token.",
	},
	TOKEN_INVALID: {
		status: 401,
		en: "The token is not valid or has expired: log in again.",
		id: "Token tidak sah atau sudah kedaluwarsa: silakan login lagi.",
		advice: "Exchange the refresh token for new tokens. If that fails too, log in again.",
	},
	FORBIDDEN: {
		status: 403,
		en: "Your role does not allow this.",
		id: "Peran Anda tidak mengizinkan ini.",
		advice: "Use an account with the required role.",
	},
	BAD_CREDENTIALS: {
		status: 401,
		en: "Wrong e-mail or password.",
		id: "Email atau password salah",
		advice: "Ask the user for e-mail address and password again.",
	},
	TOO_MANY_LOGINS: {
		status: 429,
		en: "Too many wrong passwords: try again in {retry_after_s} seconds, or reset the password.",
		id: "Terlalu banyak password salah: coba lagi dalam {retry_after_s} detik, atau atur ulang password.",
		advice: "Wait as long as `Retry-After` says.",
	},
	TOO_MANY_REGISTRATIONS: {
		status: 429,
		en: "Too many registrations from your address: try again in {retry_after_s} seconds.",
		id: "Terlalu banyak pendaftaran dari alamat Anda: coba lagi dalam {retry_after_s} detik.",
		advice: "Wait as long as `Retry-After` says.",
	},
	TOO_MANY_MAILS: {
		status: 429,
		en: "Such a mail was sent a moment ago: try again in {retry_after_s} seconds.",
		id: "Email seperti itu baru saja dikirim: coba lagi dalam {retry_after_s} detik.",
		advice: "Wait as long as `Retry-After` says.",
	},
	WRONG_PASSWORD: {
		status: 403,
		en: "The current password is not right.",
		id: "Password saat ini tidak benar.",
		advice: "Ask the user for the current password again.",
	},
	EMAIL_TAKEN: {
		status: 400,
		en: "This e-mail is already registered.",
		id: "Email sudah terdaftar",
		advice: "Ask for another address, or offer to log in.",
	},
	USERNAME_TAKEN: {
		status: 400,
		en: "This username is already taken.",
		id: "Username sudah terdaftar",
		advice: "Ask for another username.",
	},
	MAIL_TOKEN_INVALID: {
		status: 400,
		en: "The link is not valid, was used or has expired: ask for a new mail.",
		id: "Tautan tidak sah, sudah dipakai, atau kedaluwarsa: minta email baru.",
		advice: "Request a new mail.",
	},
	LAST_ADMIN: {
		status: 409,
		en: "This is the last admin: make another one first.",
		id: "Ini admin terakhir: buat admin lain dulu.",
		advice: "Give another user the role `admin` first.",
	},
	USER_NOT_FOUND: {
		status: 404,
		en: "There is no such user.",
		id: "User tidak ditemukan",
		advice: "Correct the id.",
	},
	PRODUCT_NOT_FOUND: {
		status: 404,
		en: "There is no such product.",
		id: "Produk tidak ditemukan",
		advice: "Show the product as removed. Of an order, `errors` names the products.",
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
	TOTAL_TOO_LARGE: {
		status: 422,
		en: "The total of the order is too large.",
		id: "Total pesanan terlalu besar.",
		advice: "Split the order.",
	},
	ORDER_NOT_FOUND: {
		status: 404,
		en: "There is no such order.",
		id: "Pesanan tidak ditemukan",
		advice: "Correct the id.",
	},
	ORDER_IN_OTHER_STATE: {
		status: 409,
		members: ["state"],
		en: "The order is {state}: this is not possible any more.",
		id: "Status pesanan sekarang {state}: tindakan ini tidak bisa dilakukan lagi.",
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
	NOTIFICATION_NOT_FOUND: {
		status: 404,
		en: "There is no such notification.",
		id: "Notifikasi tidak ditemukan",
		advice: "Correct the id.",
	},
	NOTIFICATION_NOT_FAILED: {
		status: 409,
		en: "Only a message that failed is sent again; this one is {status}.",
		id: "Hanya pesan yang gagal bisa dikirim ulang; status pesan ini {status}.",
		advice: "Do not send it again.",
	},
	DEAD_LETTER_NOT_FOUND: {
		status: 404,
		en: "There is no such dead letter.",
		id: "Dead letter tidak ditemukan.",
		advice: "Read the list again: the dead letter may have been handled.",
	},
	DEAD_LETTER_FAILED: {
		status: 409,
		en: "The event failed again and is kept: {reason}",
		id: "Event gagal lagi dan tetap disimpan: {reason}",
		advice: "Remove the cause, then retry the dead letter.",
	},
	TOO_MANY_REQUESTS: {
		status: 429,
		en: "Too many requests: at most {limit} a second.",
		id: "Terlalu banyak permintaan: paling banyak {limit} per detik.",
		advice: "Slow down, and wait as long as `Retry-After` says.",
	},
	TIMED_OUT: {
		status: 504,
		en: "The answer took too long. Repeat it with the same Idempotency-Key; without one, look first whether it was done.",
		id: "Jawaban terlalu lama. Ulangi dengan Idempotency-Key yang sama; tanpa kunci, periksa dulu apakah sudah terjadi.",
		advice:
			"Repeat the request with the same `Idempotency-Key`. Without a key, check first whether it was executed.",
	},
	UNAVAILABLE: {
		status: 503,
		en: "The {service} service is away at the moment. Try again.",
		id: "Layanan {service} sedang tidak tersedia. Silakan coba lagi.",
		advice: "Repeat the request after the time in `Retry-After`.",
	},
	MESSAGES_NOT_SENT: {
		status: 503,
		en: "The process that sends messages does not answer: it is being replaced.",
		id: "Proses pengirim pesan tidak menjawab: sedang diganti.",
		advice: "Nothing: the process is being replaced. Only health checks return this code.",
	},
	DATA_BEHIND: {
		status: 503,
		en: "The {service} service is away: its data are older than what others know of them. Its log says how to mend that.",
		id: "Layanan {service} tidak tersedia: datanya lebih lama daripada yang diketahui layanan lain. Log menjelaskan cara memperbaikinya.",
		advice: "Repeat the request later. The operator follows the instructions in the log.",
	},
	EVENTS_NOT_PUBLISHED: {
		status: 503,
		en: "The event {event} has waited for {seconds} seconds to be published, although NATS is there: {reason}.",
		id: "Event {event} sudah {seconds} detik menunggu dikirim, padahal NATS tersedia: {reason}.",
		advice: "Nothing. The operator removes the cause. Only health checks return this code.",
	},
	EVENTS_NOT_TAKEN_IN: {
		status: 503,
		en: "Events are not taken in, although NATS is there: {reason}.",
		id: "Event tidak diterima, padahal NATS tersedia: {reason}.",
		advice: "Nothing. The operator removes the cause. Only health checks return this code.",
	},
	INTERNAL: {
		status: 500,
		en: "Something went wrong here. The request id helps us find it.",
		id: "Terjadi kesalahan di sisi kami. Sertakan request id saat melapor.",
		advice: "Report the request id, which is in `instance`.",
	},
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Data of a problem: values for its message, and the invalid fields. */
export interface ProblemData {
	errors?: FieldError[];
	[name: string]: unknown;
}

/**
 * Creates an error with a stable code. It is transmitted between nodes, and becomes an RFC 9457 response at the
 * gateway. Usage: `throw problem("PRODUCT_NOT_FOUND")`.
 */
export function problem(code: ProblemCode, data: ProblemData = {}): Errors.MoleculerError {
	const { status } = PROBLEMS[code];
	const message = describe(code, data, "en");
	return status < 500
		? withoutStack(() => new Errors.MoleculerClientError(message, status, code, data))
		: new Errors.MoleculerServerError(message, status, code, data);
}

/** Creates an error without a stack: a client error needs none, and it would cost more than the rest of the refusal. */
function withoutStack<E extends Error>(make: () => E): E {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	try {
		return make();
	} finally {
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** Returns the message of a problem in a language. */
export function describe(code: ProblemCode, data: ProblemData, language: Language): string {
	return PROBLEMS[code][language].replace(/\{(\w+)\}/g, (_, name: string) => String(data[name] ?? "?"));
}

/** Returns the code of an error of Toko, from this node or another; undefined for any other error. */
export function problemCode(error: unknown): ProblemCode | undefined {
	const type = (error as { type?: unknown } | null)?.type;
	return typeof type === "string" && Object.hasOwn(PROBLEMS, type) ? (type as ProblemCode) : undefined;
}

/** Maximum number of reported field errors: a response about 100,000 would be too large for a message between nodes. */
export const ERRORS_MAX = 100;

/** Converts Zod issues to field errors with messages for people. */
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

/**
 * Reports whether a later issue repeats this one: Zod checks whole numbers for the safe range before the contract's
 * limit.
 */
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
