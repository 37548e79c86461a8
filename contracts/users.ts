import { z } from "zod";
import { addressActions } from "./addresses.ts";
import { action, contract, event, healthAction, outboxAction, page } from "./contract.ts";
import { email } from "./email.ts";
import { cursor, integerId, limit, line, moment, skip } from "./fields.ts";
import { newPassword, password } from "./passwords.ts";
import { phone } from "./phone.ts";
import { givenLocale, locale, ownUser, role, tokens, user, username } from "./user-schemas.ts";

/** Issuer and audience of access tokens (RFC 7519 `iss`, `aud`). */
export const TOKEN_ISSUER = "toko/users";
export const TOKEN_AUDIENCE = "toko";

/** Lifetime of an access token, in seconds. */
export const ACCESS_SECONDS = 15 * 60;

const refreshToken = z.string().min(20).max(200);

/** Purpose of a link in a mail: to verify an address, to change to another one, or to set a new password. */
export const mailTokenPurpose = z.enum(["verify", "change", "reset"]);

const mailToken = z.string().min(1).max(200);
const done = z.strictObject({ message: z.string() }).meta({ id: "Message", examples: [{ message: "Done" }] });

/** Public key that verifies access tokens (RFC 8037). */
const jwk = z
	.strictObject({
		kty: z.literal("OKP"),
		crv: z.literal("Ed25519"),
		x: z.string(),
		kid: z.string(),
		alg: z.literal("EdDSA"),
		use: z.literal("sig"),
	})
	.meta({ id: "JsonWebKey" });

/** Maximum number of messages in one call of `contacts`. */
export const CONTACTS_MAX = 200;

const contactAsked = z.strictObject({
	id: integerId,
	token_for: mailTokenPurpose.optional(),
	/** Returns the address at this time, for messages that its reader must get about changes of the account. */
	at: moment.optional(),
});

const contact = z.strictObject({
	email: z.string(),
	/** True if the person is known to receive mail at `email`. */
	is_verified: z.boolean(),
	full_name: z.string(),
	locale,
	phone: phone.nullable(),
	/** Null if no token was requested, or the address is verified already. */
	token: z.string().nullable(),
});

/** Argon2id occupies a core for each call. Four threads hash, in order of arrival: most of them for logins. */
const HASHING = {
	login: { concurrency: 8, maxQueueSize: 200 },
	register: { concurrency: 2, maxQueueSize: 50 },
	change: { concurrency: 4, maxQueueSize: 50 },
};

const aboutUser = (summary: string) =>
	event({ summary, version: 1, data: z.strictObject({ user_id: integerId }) });

const events = {
	"user.registered": aboutUser("An account was created."),
	"user.verification_requested": aboutUser(
		"A mail to verify the address of an account that is not verified yet was requested.",
	),
	"user.email_change_announced": aboutUser(
		"A user asked to change the e-mail address. Notifications warns the present address.",
	),
	"user.email_change_requested": aboutUser(
		"A user asked to change the e-mail address to one that no account has. The new address has to confirm.",
	),
	"user.email_changed": aboutUser(
		"The new address was confirmed and replaced the former one, which is notified.",
	),
	"user.password_reset_requested": aboutUser(
		"A mail to reset the password of an active account was requested.",
	),
	"user.password_changed": aboutUser(
		"The password of an account was changed or reset, which ended all sessions.",
	),
	"user.deleted": aboutUser(
		"An account was deleted. Every service that stores data of the person deletes them.",
	),
};

export const users = contract({
	name: "users",
	version: 1,
	about: "Accounts, sessions and what people may do",
	store: "PostgreSQL",
	variables: { ADMIN_EMAIL: "optional", ADMIN_PASSWORD: "optional" },
	publishes: { aggregate: "user", events },
	actions: {
		register: action({
			summary: "Register a new user",
			permissions: "public",
			problems: ["EMAIL_TAKEN", "USERNAME_TAKEN", "TOO_MANY_REGISTRATIONS"],
			example: {
				email: "budi@toko.test",
				username: "budi",
				password: "rahasia-budi",
				full_name: "Budi Santoso",
			},
			params: z.strictObject({
				email,
				username,
				password: newPassword,
				full_name: line(1, 200),
				locale: givenLocale.optional(),
				phone: phone.optional(),
			}),
			result: user,
			rest: { method: "POST", path: "/users/register", status: 201, location: "/users/:id" },
			bulkhead: HASHING.register,
		}),
		login: action({
			summary: "Log in: an access token for 15 minutes and a refresh token",
			permissions: "public",
			problems: ["BAD_CREDENTIALS", "TOO_MANY_LOGINS"],
			example: { email: "budi@toko.test", password: "rahasia-budi" },
			params: z.strictObject({ email, password }),
			result: tokens,
			rest: { method: "POST", path: "/users/login" },
			isSecret: true,
			bulkhead: HASHING.login,
		}),
		refresh: action({
			summary:
				"Change a refresh token for a new pair; used again it gives the same one for five seconds, then ends the whole family",
			permissions: "public",
			problems: ["TOKEN_INVALID"],
			example: { refresh_token: "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE" },
			params: z.strictObject({ refresh_token: refreshToken }),
			result: tokens,
			rest: { method: "POST", path: "/users/refresh" },
			isSecret: true,
		}),
		logout: action({
			summary: "End the session that a refresh token belongs to",
			permissions: "public",
			example: { refresh_token: "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE" },
			params: z.strictObject({ refresh_token: refreshToken }),
			result: done,
			rest: { method: "POST", path: "/users/logout" },
			idempotent: true,
		}),
		logoutAll: action({
			summary: "End all of one's sessions, everywhere",
			permissions: "user",
			params: z.strictObject({}),
			result: done,
			rest: { method: "POST", path: "/users/logout-all" },
			idempotent: true,
		}),
		verify: action({
			summary: "Who the bearer of this token is",
			permissions: "user",
			params: z.strictObject({}),
			result: user,
			rest: { method: "POST", path: "/users/verify" },
			idempotent: true,
		}),
		verifyEmail: action({
			summary:
				"Verify an address with the token of a mail (200), or ask for such a mail by the address (202)",
			permissions: "public",
			problems: ["MAIL_TOKEN_INVALID", "EMAIL_TAKEN"],
			example: { email: "budi@toko.test" },
			params: z
				.strictObject({ token: mailToken.optional(), email: email.optional() })
				.refine(({ token, email }) => (token === undefined) !== (email === undefined), {
					message: "give either the token or the email",
					path: ["token"],
				}),
			result: done,
			rest: {
				method: "POST",
				path: "/users/verify-email",
				isAccepted: (_, { email }) => email !== undefined,
			},
			idempotent: true,
		}),
		forgotPassword: action({
			summary:
				"Ask for a mail with a link to set a new password; the answer is the same for unknown addresses",
			permissions: "public",
			example: { email: "budi@toko.test" },
			params: z.strictObject({ email }),
			result: done,
			rest: { method: "POST", path: "/users/forgot-password", status: 202 },
			idempotent: true,
		}),
		resetPassword: action({
			summary: "Set a new password with the token of a mail; all sessions end",
			permissions: "public",
			problems: ["MAIL_TOKEN_INVALID"],
			example: { token: "reset.7.1795478400.c2lnbmF0dXJl", new_password: "rahasia-baru" },
			params: z.strictObject({ token: mailToken, new_password: newPassword }),
			result: done,
			rest: { method: "POST", path: "/users/reset-password" },
			bulkhead: HASHING.change,
		}),
		me: action({
			summary: "The signed-in user",
			permissions: "user",
			params: z.strictObject({}),
			result: ownUser,
			rest: { method: "GET", path: "/users/me" },
			idempotent: true,
		}),
		updateMe: action({
			summary: "Change one's name, phone (null: none) or the language of one's messages",
			permissions: "user",
			example: { locale: "en", phone: "+6281234567890" },
			params: z.strictObject({
				full_name: line(1, 200).optional(),
				locale: givenLocale.optional(),
				phone: phone.nullable().optional(),
			}),
			result: ownUser,
			rest: { method: "PATCH", path: "/users/me" },
			idempotent: true,
		}),
		changePassword: action({
			summary: "Change one's password; all sessions end, and a new one begins",
			permissions: "user",
			problems: ["WRONG_PASSWORD", "TOO_MANY_LOGINS"],
			example: { current_password: "rahasia-budi", new_password: "rahasia-baru" },
			params: z.strictObject({ current_password: password, new_password: newPassword }),
			result: tokens,
			rest: { method: "POST", path: "/users/me/password" },
			isSecret: true,
			bulkhead: HASHING.change,
		}),
		changeEmail: action({
			summary:
				"Ask to change one's address; the change takes effect when the link in the mail to the new address is followed",
			permissions: "user",
			problems: ["WRONG_PASSWORD", "TOO_MANY_LOGINS", "TOO_MANY_MAILS"],
			example: { current_password: "rahasia-budi", new_email: "budi@shop.example" },
			params: z.strictObject({ current_password: password, new_email: email }),
			result: done,
			rest: { method: "POST", path: "/users/me/email", status: 202 },
		}),
		...addressActions,
		get: action({
			summary: "A user by id: oneself, or anybody for an admin",
			permissions: "user",
			problems: ["USER_NOT_FOUND"],
			params: z.strictObject({ id: integerId }),
			result: user,
			rest: { method: "GET", path: "/users/:id" },
			idempotent: true,
		}),
		update: action({
			summary: "Change a user's role, or deactivate or reactivate the account; its older tokens end",
			permissions: "admin",
			problems: ["USER_NOT_FOUND", "LAST_ADMIN"],
			example: { id: 7, role: "admin" },
			params: z.strictObject({ id: integerId, role: role.optional(), is_active: z.boolean().optional() }),
			result: user,
			rest: { method: "PATCH", path: "/users/:id" },
			idempotent: true,
		}),
		remove: action({
			summary: "Delete an account: oneself, or anybody for an admin. Orders stay, without the person",
			permissions: "user",
			problems: ["USER_NOT_FOUND", "LAST_ADMIN"],
			params: z.strictObject({ id: integerId }),
			result: z.null(),
			rest: { method: "DELETE", path: "/users/:id", status: 204 },
		}),
		list: action({
			summary: "Users in the order of their registration",
			permissions: "admin",
			example: { skip: 0, limit: 50, cursor: "WyJ1c2VycyIsIjciXQ" },
			params: z.strictObject({ skip, limit: limit(50), cursor: cursor.optional() }),
			result: page(user),
			rest: { method: "GET", path: "/users" },
			idempotent: true,
		}),
		jwks: action({
			summary: "The public keys that check access tokens",
			permissions: "public",
			params: z.strictObject({}),
			result: z.strictObject({ keys: z.array(jwk) }).meta({ id: "JsonWebKeySet" }),
			rest: { method: "GET", path: "/.well-known/jwks.json", outermost: true },
			idempotent: true,
		}),
		revocations: action({
			summary:
				"Whose access tokens of an older version count no more, of those that are not over by themselves",
			permissions: "service",
			params: z.strictObject({}),
			result: z.array(z.strictObject({ user_id: integerId, session_version: z.int() })),
			idempotent: true,
		}),
		rotateKey: action({
			summary:
				"Make a new key for access tokens; the old ones are good until their tokens are over, or with `revoke` go at once",
			permissions: "service",
			params: z.strictObject({ revoke: z.boolean().optional() }),
			result: z.strictObject({ kid: z.string() }),
		}),
		contact: action({
			summary: "Where a user gets messages, for the services that send them, with a token for a link in them",
			permissions: "service",
			params: contactAsked,
			result: contact,
			idempotent: true,
		}),
		contacts: action({
			summary:
				"Where many users get messages, in the order in which they are asked for; null where there is no such user",
			permissions: "service",
			params: z.strictObject({ of: z.array(contactAsked).max(CONTACTS_MAX) }),
			result: z.array(contact.nullable()),
			idempotent: true,
		}),
		ensureAdmin: action({
			summary: "Make the first admin where there is none",
			permissions: "service",
			params: z.strictObject({ email, password: newPassword }),
			result: z.strictObject({ created: z.boolean(), email: z.string() }),
			idempotent: true,
		}),
		makeAdmin: action({
			summary: "Give the user with this e-mail the role of an admin; where there is none, with a new account",
			permissions: "service",
			params: z.strictObject({ email, password: newPassword }),
			result: z.strictObject({ created: z.boolean(), email: z.string() }),
			idempotent: true,
		}),
		impersonate: action({
			summary: "An access token for the user with this e-mail, for the operator's REPL",
			permissions: "service",
			params: z.strictObject({ email }),
			result: z.strictObject({ user, access_token: z.string() }),
		}),
		outbox: outboxAction,
		health: healthAction("user-service", "/health/user"),
	},
});
