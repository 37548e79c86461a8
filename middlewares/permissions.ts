import { timingSafeEqual } from "node:crypto";
import { createLocalJWKSet, errors, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { ActionSchema, CallingOptions, Context, Middleware, Service, ServiceBroker } from "moleculer";
import { deriveKey, settings } from "../config/settings.ts";
import { actionContract, type Caller, callAction, type Meta } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import { ACCESS_SECONDS, TOKEN_AUDIENCE, TOKEN_ISSUER } from "../contracts/users.ts";
import { onConnectionGap } from "../nats/client.ts";
import { onRevocations, type Revocation } from "../nats/revocations.ts";

/** A token that was found good is not checked again for this long. */
const REMEMBER_MS = 60_000;
/** Public keys are asked for again when a token names an unknown one, but not more often than this. */
const KEYS_AGAIN_AFTER_MS = 5_000;
/**
 * Users tells at once whose tokens count no more (nats/revocations.ts). For what was missed it is asked again after this, as
 * for the keys; meanwhile calls go on.
 */
const REVOCATIONS_AGAIN_AFTER_MS = 20_000;
/** So old it must not be, unless users does not answer. */
const REVOCATIONS_MAX_AGE_MS = 40_000;

/** For so long a node that has just connected may be unknown to users, which then does not wait until it has heard. */
const UNKNOWN_MS = 3_000;

/** Users whose sessions ended within the last half hour; far more than there are. */
const REVOCATIONS_MAX = 100_000;

/** A minute, and what a token needs on its way. */
const CLOCKS_DIFFER_SECONDS = 90;

const SERVICE_HEADER = "service";

/** Calling options for Toko's own tools: a service may do whatever an admin may. */
export function asService(): CallingOptions {
	return { headers: { [SERVICE_HEADER]: serviceKey() } };
}

function serviceKey(): string {
	return deriveKey("service calls").toString("base64url");
}

/**
 * Enforces an action's `permissions` on the node that runs it, so that a caller who skips the gateway gains nothing.
 * A person is known by the access token in `meta.token`, one of Toko's services by a key that only its nodes have.
 * The handler finds the caller in `ctx.locals.caller`.
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
		const given = (ctx.headers as Record<string, unknown> | null)?.[SERVICE_HEADER];
		if (given === undefined) {
			return false;
		}
		const [left, right] = [Buffer.from(String(given)), Buffer.from(ownKey())];
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

/** Calls go on, sooner or later, without the answer. */
const QUICK: CallingOptions = { timeout: 2000, retries: 0 };

type Person = Extract<Caller, { id: number }>;

/** Checks access tokens against the public keys of users, and remembers the good ones for a while. */
class TokenVerifier {
	#broker: ServiceBroker;
	#known = new LRUCache<string, Person>({ max: 10_000 });
	#keys: ReturnType<typeof createLocalJWKSet> | undefined;
	#kids = new Set<string>();
	#asked_at = Number.NEGATIVE_INFINITY;
	#asking: Promise<void> | undefined;
	/** The oldest version of a user's tokens that counts, for as long as there can be older ones. */
	#versions = new LRUCache<number, number>({ max: REVOCATIONS_MAX, ttl: 2 * ACCESS_SECONDS * 1000 });
	/** When the question was asked that has its answer now. */
	#revocations_at = Number.NEGATIVE_INFINITY;
	#looking: Promise<void> | undefined;
	/** What was asked before this moment, which may lie ahead, may have missed what was told meanwhile. */
	#deafUntil = Number.NEGATIVE_INFINITY;

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		onRevocations(broker, (revoked) => this.#revoke(revoked));
		onConnectionGap(broker, () => {
			this.#deafUntil = performance.now() + UNKNOWN_MS;
		});
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
		// Whatever a token says itself; clocks may differ a little.
		if (exp - Math.min(iat, Date.now() / 1000) > ACCESS_SECONDS + CLOCKS_DIFFER_SECONDS) {
			throw problem("TOKEN_INVALID");
		}
		const left_ms = exp * 1000 - Date.now();
		if (left_ms > 0) {
			this.#known.set(token, person, { ttl: Math.min(REMEMBER_MS, left_ms) });
		}
		return person;
	}

	/** One question at a time, however many calls wait for the answer. */
	#askForKeys(options?: CallingOptions): Promise<void> {
		this.#asking ??= callAction(this.#broker, "v1.users.jwks", {}, options)
			.then((jwks) => {
				const kids = new Set(jwks.keys.map(({ kid }) => kid));
				if ([...this.#kids].some((kid) => !kids.has(kid))) {
					// Its tokens were found good while it was one of ours.
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
		// The question that is under way was asked before this call: then that after it counts.
		while (this.#revocations_at < now && this.#revocations_at <= this.#deafUntil) {
			await this.#lookForRevocations();
		}
		const age_ms = now - this.#revocations_at;
		if (age_ms > REVOCATIONS_AGAIN_AFTER_MS) {
			const looking = this.#lookForRevocations();
			await (age_ms > REVOCATIONS_MAX_AGE_MS ? looking : undefined);
		}
	}

	/** Without an answer what is known stays, so that nobody is locked out while users is away. */
	#lookForRevocations(): Promise<void> {
		const asked_at = performance.now();
		this.#looking ??= Promise.all([this.#askForVersions(), this.#askForKeys(QUICK)])
			.then(
				() => undefined,
				(error: Error) => this.#broker.logger.warn(`Revoked tokens are not known: ${error.message}`),
			)
			.finally(() => {
				this.#revocations_at = asked_at;
				this.#looking = undefined;
			});
		return this.#looking;
	}

	async #askForVersions(): Promise<void> {
		this.#revoke(await callAction(this.#broker, "v1.users.revocations", {}, QUICK));
	}

	/** An answer may be older than what was told while it was on its way, so a version only grows. */
	#revoke(revoked: Revocation[]): void {
		for (const { user_id, session_version } of revoked) {
			this.#versions.set(user_id, Math.max(session_version, this.#versions.get(user_id) ?? 0));
		}
	}

	#refusal(error: unknown): unknown {
		return error instanceof errors.JOSEError ? problem("TOKEN_INVALID") : error;
	}
}
