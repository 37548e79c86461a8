import { timingSafeEqual } from "node:crypto";
import { createLocalJWKSet, errors, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { ActionSchema, CallingOptions, Context, Middleware, Service, ServiceBroker } from "moleculer";
import { setTokenUsers } from "../broker/token-users.ts";
import { deriveKey, settings } from "../config/settings.ts";
import { actionContract, type Caller, callAction, type Meta } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import { ACCESS_SECONDS, TOKEN_AUDIENCE, TOKEN_ISSUER } from "../contracts/users.ts";
import { onConnectionGap } from "../nats/client.ts";
import { onRevocations, type Revocation } from "../nats/revocations.ts";

/** Time for which a verified token is not verified again. */
const REMEMBER_MS = 60_000;
/** Minimum interval between requests for the public keys when tokens name an unknown one. */
const KEYS_AGAIN_AFTER_MS = 5_000;
/**
 * Age at which revocations and keys are requested again, in case one was missed: users publishes revocations at once
 * (nats/revocations.ts). Calls do not wait for this.
 */
const REVOCATIONS_AGAIN_AFTER_MS = 20_000;
/** Maximum age of the revocations: calls wait for newer ones, or proceed if users does not respond. */
const REVOCATIONS_MAX_AGE_MS = 40_000;

/** Time for which users may not know a node that has just connected, and so not wait for its acknowledgement. */
const UNKNOWN_MS = 3_000;

/** Maximum number of users whose sessions ended within the last half hour; far more than there are. */
const REVOCATIONS_MAX = 100_000;

/** Tolerance for clock differences of a minute, plus the time in which a token arrives. */
const CLOCKS_DIFFER_SECONDS = 90;

const SERVICE_HEADER = "service";

/** Returns calling options for Toko's own tools: a service may do whatever an admin may. */
export function asService(): CallingOptions {
	return { headers: { [SERVICE_HEADER]: serviceKey() } };
}

function serviceKey(): string {
	return deriveKey("service calls").toString("base64url");
}

/**
 * Enforces an action's `permissions` on the node that runs it, so that bypassing the gateway gains nothing. A person is
 * identified by the access token in `meta.token`, a service of Toko by a key that only its nodes have. The handler
 * finds the caller in `ctx.locals.caller`.
 */
export function permissionMiddleware(): Middleware {
	let broker: ServiceBroker;
	let tokens: TokenVerifier;
	let key: string | undefined;
	const ownKey = () => {
		key ??= serviceKey();
		return key;
	};

	return {
		name: "Permissions",
		created(created) {
			broker = created;
			tokens = new TokenVerifier(broker);
			setTokenUsers(broker, (token) => tokens.identify(token));
		},

		call(next) {
			return function callWithServiceKey(
				this: unknown,
				name: string,
				params: unknown,
				options?: CallingOptions,
			) {
				if (actionContract(name)?.permissions !== "service") {
					return next.call(broker, name, params as never, options as never);
				}
				const headers = { ...options?.headers, [SERVICE_HEADER]: ownKey() };
				return next.call(broker, name, params as never, { ...options, headers } as never);
			} as never;
		},

		localAction(next, action: ActionSchema) {
			const name = action.name as string;
			const contract = actionContract(name);
			if (!contract) {
				if (name.startsWith("$") || action.visibility === "private") {
					return next;
				}
				throw new Error(`${name} has no contract: declare it in contracts/ with its permissions`);
			}
			const { permissions } = contract;
			if (permissions === "public") {
				return next;
			}
			return async function checkPermissions(this: Service, ctx: Context) {
				ctx.locals = { ...ctx.locals, caller: await callerOf(ctx as Context<unknown, Meta>, permissions) };
				return next.call(this, ctx);
			};
		},
	};

	function isService(ctx: Context): boolean {
		const credential = (ctx.headers as Record<string, unknown> | null)?.[SERVICE_HEADER];
		if (credential === undefined) {
			return false;
		}
		const [left, right] = [Buffer.from(String(credential)), Buffer.from(ownKey())];
		return left.length === right.length && timingSafeEqual(left, right);
	}

	async function callerOf(ctx: Context<unknown, Meta>, permissions: string): Promise<Caller> {
		if (isService(ctx)) {
			return { id: null, role: "service" };
		}
		if (permissions === "service") {
			throw problem("FORBIDDEN");
		}
		const { token } = ctx.meta;
		if (typeof token !== "string" || token === "") {
			throw problem("UNAUTHENTICATED");
		}
		const caller = await tokens.verify(token);
		if (permissions === "admin" && caller.role !== "admin") {
			throw problem("FORBIDDEN");
		}
		return caller;
	}
}

/** Options of background requests: calls that wait for them proceed without a response. */
const QUICK: CallingOptions = { timeout: 2000, retries: 0 };

type Person = Extract<Caller, { id: number }>;

/** Verifies access tokens by the public keys of users, and caches the valid ones for a while. */
class TokenVerifier {
	#broker: ServiceBroker;
	#known = new LRUCache<string, Person>({ max: 10_000 });
	#keys: ReturnType<typeof createLocalJWKSet> | undefined;
	#kids = new Set<string>();
	#asked_at = Number.NEGATIVE_INFINITY;
	#asking: Promise<void> | undefined;
	/** Oldest valid session version of each user, for as long as older tokens can exist. */
	#versions = new LRUCache<number, number>({ max: REVOCATIONS_MAX, ttl: 2 * ACCESS_SECONDS * 1000 });
	/** Time of the request that returned the current revocations. */
	#revocations_at = Number.NEGATIVE_INFINITY;
	#polling: Promise<void> | undefined;
	/** Responses requested before this time, which may be in the future, may have missed a revocation. */
	#gapEnd = Number.NEGATIVE_INFINITY;

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		onRevocations(broker, (revoked) => this.#revoke(revoked));
		onConnectionGap(broker, () => {
			this.#gapEnd = performance.now() + UNKNOWN_MS;
		});
	}

	/** Returns the id of the user of a valid token, whose session may have ended. */
	async identify(token: string): Promise<number> {
		return (this.#known.get(token) ?? (await this.#read(token))).id;
	}

	async verify(token: string): Promise<Person> {
		await this.#learnOfRevocations();
		const person = this.#known.get(token) ?? (await this.#read(token));
		if (person.session_version < (this.#versions.get(person.id) ?? 0)) {
			throw problem("TOKEN_INVALID");
		}
		return person;
	}

	async #read(token: string): Promise<Person> {
		if (!this.#keys) {
			await this.#askForKeys();
		}
		try {
			return await this.#check(token);
		} catch (error) {
			if (!(error instanceof errors.JWKSNoMatchingKey)) {
				throw this.#refusal(error);
			}
		}
		if (performance.now() - this.#asked_at >= KEYS_AGAIN_AFTER_MS) {
			await this.#askForKeys();
			this.#asked_at = performance.now();
		}
		return this.#check(token).catch((error) => {
			throw this.#refusal(error);
		});
	}

	async #check(token: string): Promise<Person> {
		const { payload } = await jwtVerify(token, this.#keys as ReturnType<typeof createLocalJWKSet>, {
			algorithms: ["EdDSA"],
			issuer: `${TOKEN_ISSUER}/${settings.namespace}`,
			audience: TOKEN_AUDIENCE,
			requiredClaims: ["exp", "iat", "sub", "ver"],
			clockTolerance: CLOCKS_DIFFER_SECONDS,
		});
		const person: Person = {
			id: Number(payload.sub),
			role: payload.role === "admin" ? "admin" : "user",
			session_version: Number(payload.ver),
		};
		if (!Number.isSafeInteger(person.id) || person.id < 1) {
			throw problem("TOKEN_INVALID");
		}
		const { exp, iat } = payload as { exp: number; iat: number };
		// Limits the lifetime whatever the token claims, with a tolerance for clock differences.
		if (exp - Math.min(iat, Date.now() / 1000) > ACCESS_SECONDS + CLOCKS_DIFFER_SECONDS) {
			throw problem("TOKEN_INVALID");
		}
		const left_ms = exp * 1000 - Date.now();
		if (left_ms > 0) {
			this.#known.set(token, person, { ttl: Math.min(REMEMBER_MS, left_ms) });
		}
		return person;
	}

	/** Requests the public keys. Concurrent calls share one request. */
	#askForKeys(options?: CallingOptions): Promise<void> {
		this.#asking ??= callAction(this.#broker, "v1.users.jwks", {}, options)
			.then((jwks) => {
				const kids = new Set(jwks.keys.map(({ kid }) => kid));
				if ([...this.#kids].some((kid) => !kids.has(kid))) {
					// Tokens of the removed key are cached as valid.
					this.#known.clear();
				}
				this.#kids = kids;
				this.#keys = createLocalJWKSet(jwks);
			})
			.finally(() => {
				this.#asking = undefined;
			});
		return this.#asking;
	}

	async #learnOfRevocations(): Promise<void> {
		const now = performance.now();
		// A request in flight was made before this call, so the next one counts.
		while (this.#revocations_at < now && this.#revocations_at <= this.#gapEnd) {
			await this.#pollRevocations();
		}
		const age_ms = now - this.#revocations_at;
		if (age_ms > REVOCATIONS_AGAIN_AFTER_MS) {
			const polling = this.#pollRevocations();
			await (age_ms > REVOCATIONS_MAX_AGE_MS ? polling : undefined);
		}
	}

	/**
	 * Requests the revocations. Without a response the known ones stay, so that no user is locked out while users is
	 * unavailable.
	 */
	#pollRevocations(): Promise<void> {
		const asked_at = performance.now();
		this.#polling ??= Promise.all([this.#askForVersions(), this.#askForKeys(QUICK)])
			.then(
				() => undefined,
				(error: Error) => this.#broker.logger.warn(`Could not read the revoked tokens: ${error.message}`),
			)
			.finally(() => {
				this.#revocations_at = asked_at;
				this.#polling = undefined;
			});
		return this.#polling;
	}

	async #askForVersions(): Promise<void> {
		this.#revoke(await callAction(this.#broker, "v1.users.revocations", {}, QUICK));
	}

	/** Raises session versions, and never lowers them: a response may be older than a revocation published meanwhile. */
	#revoke(revoked: Revocation[]): void {
		for (const { user_id, session_version } of revoked) {
			this.#versions.set(user_id, Math.max(session_version, this.#versions.get(user_id) ?? 0));
		}
	}

	#refusal(error: unknown): unknown {
		return error instanceof errors.JOSEError ? problem("TOKEN_INVALID") : error;
	}
}
