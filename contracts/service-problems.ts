import type { Problems } from "./problem-kind.ts";

/** Problems of messages, events and services that are unavailable. */
export const SERVICE_PROBLEMS = {
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
		en: "The {service} service is unavailable at the moment. Try again.",
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
		en: "The {service} service is unavailable: its data are older than what other services know of them. Its log says how to fix this.",
		id: "Layanan {service} tidak tersedia: datanya lebih lama daripada yang diketahui layanan lain. Log menjelaskan cara memperbaikinya.",
		advice: "Repeat the request later. The operator follows the instructions in the log.",
	},
	EVENTS_NOT_PUBLISHED: {
		status: 503,
		en: "The event {event} has waited for {seconds} seconds to be published, although NATS is available: {reason}.",
		id: "Event {event} sudah {seconds} detik menunggu dikirim, padahal NATS tersedia: {reason}.",
		advice: "Nothing. The operator removes the cause. Only health checks return this code.",
	},
	EVENTS_NOT_TAKEN_IN: {
		status: 503,
		en: "Events are not processed, although NATS is available: {reason}.",
		id: "Event tidak diproses, padahal NATS tersedia: {reason}.",
		advice: "Nothing. The operator removes the cause. Only health checks return this code.",
	},
	INTERNAL: {
		status: 500,
		en: "Something went wrong here. The request id helps us find it.",
		id: "Terjadi kesalahan di sisi kami. Sertakan request id saat melapor.",
		advice: "Report the request id, which is in `instance`.",
	},
} as const satisfies Problems;
