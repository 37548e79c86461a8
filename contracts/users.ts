import { z } from "zod";
import { action, contract, event, healthAction, outboxAction } from "./contract.ts";
import { integerId, limit, line, moment, skip } from "./fields.ts";

/** `admin` may do everything that a shopkeeper does; everybody else is `user`. */
export const role = z.enum(["user", "admin"]);

/** A person as the API shows it; the password's hash never leaves the service. */
export const user = z.strictObject({
	id: integerId,
	email: z.string(),
	username: z.string(),
	full_name: z.string(),
	role,
	is_active: z.boolean(),
	is_verified: z.boolean(),
	created_at: moment,
});

/** The language of the messages to a user. */
export const locale = z.enum(["id", "en"]);

/** What a user sees of themselves. */
export const ownUser = z.strictObject({ ...user.shape, locale });

/** An address for mail; compared without case. */
export const email = z
	.string()
	.trim()
	.max(255)
	.pipe(z.email("must be an e-mail address such as budi@toko.test"));

const username = z
	.string()
	.trim()
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9._-]{2,99}$/,
		"must be 3 to 100 letters, digits, dots, underscores or hyphens",
	);

/** Long enough to resist guessing; the upper bound keeps the hash from being used as a weapon. */
export const newPassword = z
	.string()
	.min(8, "must have at least 8 characters")
	.max(128, "must have at most 128 characters")
	.refine((value) => value.isWellFormed(), "must be well-formed text");

const password = z.string().min(1).max(128);

/** What a login answers. `expires_in` is in seconds. */
export const tokens = z.strictObject({
	access_token: z.string(),
	token_type: z.literal("bearer"),
	expires_in: z.int(),
	refresh_token: z.string(),
});

/** Who issues access tokens, and for whom (RFC 7519 `iss`, `aud`). */
export const TOKEN_ISSUER = "toko/users";
export const TOKEN_AUDIENCE = "toko";

const refreshToken = z.string().min(20).max(200);

/** A public key (RFC 8037) that checks access tokens. */
const jwk = z.strictObject({
	kty: z.literal("OKP"),
	crv: z.literal("Ed25519"),
	x: z.string(),
	kid: z.string(),
	alg: z.literal("EdDSA"),
	use: z.literal("sig"),
});

export const users = contract({
	name: "users",
	version: 1,
	actions: {
		register: action({
			summary: "Register a new user",
			permissions: "public",
			params: z.strictObject({
				email,
				username,
				password: newPassword,
				full_name: line(1, 200),
				locale: locale.optional(),
			}),
			result: user,
			rest: { method: "POST", path: "/users/register", status: 201 },
		}),
		login: action({
			summary: "Log in: an access token for 15 minutes and a refresh token",
			permissions: "public",
			params: z.strictObject({ email, password }),
			result: tokens,
			rest: { method: "POST", path: "/users/login" },
		}),
		refresh: action({
			summary: "Change a refresh token for a new pair; a token used twice ends the whole family",
			permissions: "public",
			params: z.strictObject({ refresh_token: refreshToken }),
			result: tokens,
			rest: { method: "POST", path: "/users/refresh" },
		}),
		logout: action({
			summary: "End the session that a refresh token belongs to",
			permissions: "public",
			params: z.strictObject({ refresh_token: refreshToken }),
			result: z.strictObject({ message: z.string() }),
			rest: { method: "POST", path: "/users/logout" },
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
		me: action({
			summary: "The signed-in user",
			permissions: "user",
			params: z.strictObject({}),
			result: ownUser,
			rest: { method: "GET", path: "/users/me" },
			idempotent: true,
		}),
		updateMe: action({
			summary: "Change one's name or the language of one's messages",
			permissions: "user",
			params: z.strictObject({ full_name: line(1, 200).optional(), locale: locale.optional() }),
			result: ownUser,
			rest: { method: "PATCH", path: "/users/me" },
			idempotent: true,
		}),
		get: action({
			summary: "A user by id: oneself, or anybody for an admin",
			permissions: "user",
			params: z.strictObject({ id: integerId }),
			result: user,
			rest: { method: "GET", path: "/users/:id" },
			idempotent: true,
		}),
		list: action({
			summary: "Users in the order in which they came",
			permissions: "admin",
			params: z.strictObject({ skip, limit: limit(50) }),
			result: z.array(user),
			rest: { method: "GET", path: "/users" },
			idempotent: true,
		}),
		jwks: action({
			summary: "The public keys that check access tokens",
			permissions: "public",
			params: z.strictObject({}),
			result: z.strictObject({ keys: z.array(jwk) }),
			rest: { method: "GET", path: "/.well-known/jwks.json", outermost: true },
			idempotent: true,
		}),
		contact: action({
			summary: "Where a user gets mail, for the services that send it",
			permissions: "service",
			params: z.strictObject({ id: integerId }),
			result: z.strictObject({ email: z.string(), full_name: z.string(), locale }),
			idempotent: true,
		}),
		ensureAdmin: action({
			summary: "Make the first admin where there is none",
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

export const userEvents = {
	"user.registered": event({
		version: 1,
		data: z.strictObject({ user_id: integerId }),
	}),
};
