import type { Problems } from "./problem-kind.ts";

/** Problems of requests over HTTP and access to them. */
export const REQUEST_PROBLEMS = {
	VALIDATION_FAILED: {
		status: 422,
		en: "The request does not have the right form: see errors.",
		id: "Bentuk permintaan tidak benar: lihat errors.",
		advice: "Correct the fields that `errors` names.",
	},
	MALFORMED_REQUEST: {
		status: 400,
		en: "This is not a valid HTTP request.",
		id: "Ini bukan permintaan HTTP yang valid.",
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
		en: "The expectation in the Expect header is not supported.",
		id: "Permintaan di header Expect tidak didukung.",
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
	NOT_ACCEPTABLE: {
		status: 406,
		members: ["available"],
		en: "The document is not available in a type that the Accept header allows: accept one of {available}.",
		id: "Dokumen tidak tersedia dalam jenis yang diizinkan header Accept: terima salah satu dari {available}.",
		advice: "Send an `Accept` with one of the types in `available`, or none for the first of them.",
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
} as const satisfies Problems;
