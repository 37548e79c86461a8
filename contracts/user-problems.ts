import type { Problems } from "./problem-kind.ts";

/** Problems of users and their addresses. */
export const USER_PROBLEMS = {
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
		en: "The current password is wrong.",
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
	ADDRESS_NOT_FOUND: {
		status: 404,
		en: "There is no such address.",
		id: "Alamat tidak ditemukan",
		advice: "Correct the id; only the user's own addresses are found.",
	},
	TOO_MANY_ADDRESSES: {
		status: 409,
		en: "There are {max} addresses already: remove one first.",
		id: "Sudah ada {max} alamat: hapus salah satu dulu.",
		advice: "Remove an address that is not needed any more.",
	},
} as const satisfies Problems;
