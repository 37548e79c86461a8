import { LRUCache } from "lru-cache";
import { type CallingOptions, type Context, Errors, type Middleware, type ServiceBroker } from "moleculer";
import { actionContract, allActions, type Meta } from "../contracts/actions.ts";
import { type ActionContract, type Cached, kindOf } from "../contracts/contract.ts";
import { PROBLEMS, problemCode } from "../contracts/problems.ts";
import { whenDeaf } from "../mixins/nats-client.ts";
import { hearOutdated } from "../mixins/outdated.ts";
import { PARSED, type Parsed } from "./contracts.ts";
import { countsAsFailure } from "./resilience.ts";

/** An answer is shown for so long where there is no better one, because the service is unavailable. */
const STALE_MS = 10 * 60_000;
/** ... or does not answer within this. */
const SLOW_MS = 1000;
/** What all cached answers of a process may take, estimated. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Changes that are remembered, each of one client to one thing. */
const CHANGES_MAX = 100_000;

/** Counts where answers came from: `kept` (the cache), `service`, or `stale` (the cache, and the service is unavailable). */
export const ANSWERS_METRIC = "toko.answers.total";
type Source = "kept" | "service" | "stale";

/** The client of a process that calls for itself. */
const OWN_PROCESS = "process";

/** An answer of an action, as the cache has it. */
export interface CachedAnswer {
	readonly action: string;
	readonly answer: unknown;
	/** The parameters, as the contract reads them. */
	readonly params: Readonly<Record<string, unknown>>;
	/** Where the next page begins. */
	readonly next: string | undefined;
	readonly asked_at: number;
	readonly fresh_until: number;
	/** The thing, or the kind of things, that it depends on. */
	readonly depends_on: string;
	/** What it depends on may have changed, or the cache has let go of it: it is shown only where there is no newer one. */
	isInvalid: boolean;
}

type Call = (
	name: string,
	params: unknown,
	options?: CallingOptions,
) => Promise<unknown> & { ctx?: Context<unknown, Meta> };
type Options = CallingOptions & { parentCtx?: Context<unknown, Meta>; ctx?: Context; meta?: Meta };

/** What the caller of a cached action is told of its answer: put it into the options of the call. */
export interface Traced {
	cached?: CachedAnswer;
	/** The age to tell, in seconds, where the answer is stale. */
	age_s?: number;
}

/** In a call's options: an object that is told where the answer came from. */
export const TRACED = Symbol("traced");

const caches = new WeakMap<ServiceBroker, AnswerCache>();

/** The cache of a broker. */
export function answersOf(broker: ServiceBroker): AnswerCache {
	const cache = caches.get(broker);
	if (!cache) {
		throw new Error("this broker has no cache of answers: it needs answersMiddleware()");
	}
	return cache;
}

/**
 * Caches answers at the caller, in memory, of actions whose contract says so (`cached`): at a gateway they cost no call and
 * outlive the service. An answer about one thing is asked for again when somebody tells over NATS that the thing has changed
 * (mixins/outdated.ts); a list is fresh for a short while only. A client, by which its token's user is meant, never gets an
 * answer older than what it changed itself through this process. Concurrent identical calls share one request.
 */
export function answersMiddleware(): Middleware {
	let broker: ServiceBroker;
	let cache: AnswerCache;
	return {
		name: "Answers",
		created(created) {
			broker = created;
			cache = new AnswerCache(broker);
			caches.set(broker, cache);
		},
		call(next: Call) {
			return function callOrRemember(name: string, params: unknown, options: Options = {}) {
				const contract = actionContract(name);
				// Another attempt of a call (`ctx`) must not wait for the answer that waits for it.
				if (contract?.cached && options.nodeID === undefined && options.ctx === undefined) {
					const parsed = contract.params.safeParse(params ?? {});
					if (parsed.success) {
						return cache.remember(name, contract.cached, parsed.data, options, () =>
							next.call(broker, name, params, { ...options, [PARSED]: parsed.data } as Options),
						);
					}
				}
				const answer = next.call(broker, name, params, options);
				if (contract?.changes && isChange(contract)) {
					const note = (error?: unknown) => {
						if (!changedNothing(error)) {
							cache.noteChange(clientOf(options), thingsChanged(contract, params, answer.ctx));
						}
					};
					// Before the caller hears of it.
					answer.then(() => note(), note);
				}
				return answer;
			} as never;
		},
	};
}

/** The cached answers of a process, and what each of its clients has changed. */
export class AnswerCache {
	readonly #broker: ServiceBroker;
	readonly #cached = new LRUCache<string, CachedAnswer>({
		maxSize: BYTES_MAX,
		sizeCalculation: ({ answer }, key) => 2 * key.length + sizeOf(answer),
		ttl: STALE_MS,
		perf: performance,
		dispose: (answer) => {
			answer.isInvalid = true;
		},
	});
	readonly #underWay = new Map<string, { asked_at: number; answer: Promise<CachedAnswer> }>();
	/** When each client last changed each thing, and things of each kind. */
	readonly #changes = new LRUCache<string, number>({ max: CHANGES_MAX, ttl: STALE_MS, perf: performance });
	/** What was asked before this moment may have missed that it is invalid. */
	#deafUntil = 0;
	#aboutOneThing: { known: number; names: string[] } = { known: 0, names: [] };

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		broker.metrics.register({ type: "counter", name: ANSWERS_METRIC, labelNames: ["action", "from"] });
		whenDeaf(broker, () => {
			this.#deafUntil = performance.now();
		});
		hearOutdated(broker, (things) => this.#invalidate(things));
	}

	/** Whether a client may be shown an answer without another look. */
	isFresh(found: CachedAnswer, client: string | undefined): boolean {
		return (
			!found.isInvalid &&
			found.asked_at > this.#deafUntil &&
			performance.now() < found.fresh_until &&
			found.asked_at > this.#changedAt(client, found.depends_on)
		);
	}

	/** Counts answers that were shown. */
	count(action: string, from: Source, answers = 1): void {
		this.#broker.metrics.increment(ANSWERS_METRIC, { action, from }, answers);
	}

	/** Remembers who changed what, and invalidates what is known of it. */
	noteChange(client: string | undefined, things: string[]): void {
		if (client !== undefined) {
			const now = performance.now();
			for (const name of new Set([ANYTHING, ...things, ...things.map(kindOf)])) {
				this.#changes.set(`${client} ${name}`, now);
			}
		}
		this.#invalidate(things);
	}

	/** The answer of a cached action, from here or from its service. */
	async remember(
		action: string,
		cached: Cached<Record<string, unknown>>,
		params: Record<string, unknown>,
		options: Options,
		ask: () => ReturnType<Call>,
	): Promise<unknown> {
		const thing = cached.about?.(params);
		const key = keyOf(action, thing ?? JSON.stringify(params));
		const depends_on = thing ?? cached.among ?? ANYTHING;
		const client = clientOf(options);
		const found = this.#cached.get(key);
		if (found && this.isFresh(found, client)) {
			return this.#give("kept", found, options);
		}
		const since = this.#changedAt(client, depends_on);
		const stale = found && found.asked_at > since ? found : undefined;
		const asked = this.#underWay.get(key);
		const about = { action, params, depends_on, fresh_ms: cached.fresh_ms };
		const answer = asked && asked.asked_at > since ? asked.answer : this.#ask(key, about, ask);
		if (!stale) {
			return this.#give("service", await answer, options);
		}
		try {
			const inTime = await Promise.race([answer, slow()]);
			return this.#give(inTime ? "service" : "stale", inTime ?? stale, options);
		} catch (error) {
			if (!isUnavailable(error)) {
				throw error;
			}
			return this.#give("stale", stale, options);
		}
	}

	/** Asks once for all who want the same at the same moment. */
	#ask(
		key: string,
		{ fresh_ms, ...about }: Pick<CachedAnswer, "action" | "params" | "depends_on"> & Pick<Cached, "fresh_ms">,
		ask: () => ReturnType<Call>,
	): Promise<CachedAnswer> {
		const asked_at = performance.now();
		const call = ask();
		const answer = call.then((answer) => {
			const next = call.ctx?.meta.$next;
			const found = { ...about, answer, next, asked_at, fresh_until: asked_at + fresh_ms, isInvalid: true };
			// Not where it was invalidated meanwhile.
			if (this.#underWay.get(key) === mine) {
				this.#cached.set(key, found);
				found.isInvalid = this.#cached.peek(key) !== found;
			}
			return found;
		});
		const mine = { asked_at, answer };
		this.#underWay.set(key, mine);
		const end = (error?: unknown) => {
			if (this.#underWay.get(key) !== mine) {
				return;
			}
			this.#underWay.delete(key);
			if (error && !isUnavailable(error)) {
				// The service says that there is no such thing any more: that is newer than what was cached.
				this.#cached.delete(key);
			}
		};
		answer.then(() => end(), end);
		return answer;
	}

	#give(from: Source, found: CachedAnswer, options: Options): unknown {
		this.count(found.action, from);
		const age_s = from === "stale" ? Math.round((performance.now() - found.asked_at) / 1000) : undefined;
		const traced = (options as { [TRACED]?: Traced })[TRACED];
		if (traced) {
			traced.cached = found;
			traced.age_s = age_s;
		}
		const meta = options.parentCtx?.meta;
		if (meta) {
			meta.$next = found.next;
			if (age_s !== undefined) {
				meta.$age_s = age_s;
			}
		}
		return found.answer;
	}

	#changedAt(client: string | undefined, name: string): number {
		return client === undefined
			? Number.NEGATIVE_INFINITY
			: (this.#changes.get(`${client} ${name}`) ?? Number.NEGATIVE_INFINITY);
	}

	#invalidate(things: string[]): void {
		const names = this.#namesAboutOneThing();
		for (const thing of things) {
			for (const name of names) {
				const key = keyOf(name, thing);
				const found = this.#cached.peek(key);
				if (found) {
					found.isInvalid = true;
				}
				this.#underWay.delete(key);
			}
		}
	}

	/** Actions may be declared later on. */
	#namesAboutOneThing(): string[] {
		const all = allActions();
		if (this.#aboutOneThing.known !== all.size) {
			const names = [...all].filter(([, { contract }]) => contract.cached?.about).map(([name]) => name);
			this.#aboutOneThing = { known: all.size, names };
		}
		return this.#aboutOneThing.names;
	}
}

/** What an answer depends on that names nothing. */
const ANYTHING = "*";

function keyOf(name: string, what: string): string {
	return `${name} ${what}`;
}

/** Whether the service, and not what was asked of it, is why there is no answer. */
function isUnavailable(error: unknown): boolean {
	return (
		error instanceof Errors.ServiceNotFoundError ||
		error instanceof Errors.ServiceNotAvailableError ||
		countsAsFailure(error as Error)
	);
}

function isChange({ rest }: ActionContract): boolean {
	return rest !== undefined && rest.method !== "GET";
}

/** Whether a call was refused before it did anything; strangers would otherwise empty the cache. */
function changedNothing(error: unknown): boolean {
	const code = error === undefined ? undefined : problemCode(error);
	return code !== undefined && [401, 403, 422].includes(PROBLEMS[code].status);
}

/** Nothing where the call is one that its callee will refuse. */
function thingsChanged({ changes, params: schema }: ActionContract, given: unknown, ctx: unknown): string[] {
	const params = (ctx as Parsed | undefined)?.[PARSED] ?? schema.safeParse(given ?? {}).data;
	return params === undefined ? [] : (changes?.(params as never) ?? []);
}

/** Whose changes a call must see: a user's, by the token; those of this process, where it calls for itself; else nobody's. */
function clientOf({ parentCtx, meta }: Options): string | undefined {
	const token = meta?.token ?? parentCtx?.meta.token;
	if (token !== undefined) {
		return userOf(token);
	}
	return (meta?.client ?? parentCtx?.meta.client) === undefined ? OWN_PROCESS : undefined;
}

/**
 * The user that a token names. Nobody has checked it: a forged one only has its bearer wait for a fresh answer, and what is
 * asked for with it is refused before it changes anything.
 */
export function userOf(token: string): string | undefined {
	try {
		const { sub } = JSON.parse(Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString());
		return /^\d{1,15}$/.test(sub) ? `user:${sub}` : undefined;
	} catch {
		return undefined;
	}
}

/** Roughly what a JSON value takes in memory, in bytes. */
function sizeOf(value: unknown): number {
	if (typeof value === "string") {
		return 16 + 2 * value.length;
	}
	let size = 16;
	if (typeof value === "object" && value !== null) {
		for (const member of Object.values(value)) {
			size += sizeOf(member);
		}
	}
	return size;
}

function slow(): Promise<undefined> {
	return new Promise((resolve) => {
		setTimeout(() => resolve(undefined), SLOW_MS).unref();
	});
}
