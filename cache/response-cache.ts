import { LRUCache } from "lru-cache";
import type { CallingOptions, Context, ServiceBroker } from "moleculer";
import { allActions, type Meta } from "../contracts/actions.ts";
import { type ActionContract, type Cached, kindOf, PARSED } from "../contracts/contract.ts";
import { isUnavailable } from "../errors/kinds.ts";
import { onConnectionGap } from "../nats/client.ts";
import { cachedResponses } from "../observability/metrics.ts";
import type { CounterSeries } from "../observability/series.ts";
import { onInvalidation } from "./invalidation.ts";

/** Maximum age of a stale response, which is returned when the service is unavailable or slow. */
const STALE_MS = 10 * 60_000;
/** Time after which a service counts as slow. */
const SLOW_MS = 1000;
/** Limit of the estimated memory for all cached responses of a process, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Maximum number of remembered changes, each by one client to one aggregate or kind. */
const CHANGES_MAX = 100_000;

type Source = "hit" | "miss" | "stale";

/** Pseudo-client for changes that apply to every client. */
const ANY_CLIENT = "everybody";
/** Pseudo-client for calls that a process makes on its own behalf. */
const OWN_PROCESS = "process";

/** A cached response of an action. */
export interface CachedResponse {
	readonly action: string;
	readonly answer: unknown;
	/** The parameters after parsing by the contract. */
	readonly params: Readonly<Record<string, unknown>>;
	readonly asked_at: number;
	readonly fresh_until: number;
	/** The aggregate, or the kind of aggregate, that the response depends on. */
	readonly depends_on: string;
	/** True once the aggregate may have changed or the response was evicted: then it is only a fallback. */
	isInvalid: boolean;
}

/** The `call` method of a broker. */
export type Call = (
	name: string,
	params: unknown,
	options?: CallingOptions,
) => Promise<unknown> & { ctx?: Context<unknown, Meta> };
/** Options of a call, with the fields that Moleculer's types leave out. */
export type Options = CallingOptions & { parentCtx?: Context<unknown, Meta>; ctx?: Context; meta?: Meta };

/** A response with its origin. */
export interface Remembered {
	response: CachedResponse;
	/** Age of a stale response in seconds; undefined for any other. */
	age_s: number | undefined;
}

const caches = new WeakMap<ServiceBroker, ResponseCache>();

/** Assigns the response cache of a broker. */
export function setResponseCache(broker: ServiceBroker, cache: ResponseCache): void {
	caches.set(broker, cache);
}

/**
 * Returns the response cache of a broker.
 *
 * @throws Error if the broker was created without the cache's middleware.
 */
export function responseCacheOf(broker: ServiceBroker): ResponseCache {
	const cache = caches.get(broker);
	if (!cache) {
		throw new Error("this broker has no response cache: it needs responseCacheMiddleware()");
	}
	return cache;
}

/** Response cache of a process. It also remembers the changes that each client has made. */
export class ResponseCache {
	readonly #broker: ServiceBroker;
	readonly #cached = new LRUCache<string, CachedResponse>({
		maxSize: BYTES_MAX,
		sizeCalculation: ({ answer }, key) => 2 * key.length + sizeOf(answer),
		ttl: STALE_MS,
		perf: performance,
		dispose: (answer) => {
			answer.isInvalid = true;
		},
	});
	readonly #inFlight = new Map<string, { asked_at: number; answer: Promise<CachedResponse> }>();
	/** Time of each client's last change, by client and aggregate, and by client and kind. */
	readonly #changes = new LRUCache<string, number>({ max: CHANGES_MAX, ttl: STALE_MS, perf: performance });
	/** Numbers of returned responses, by action and source. */
	readonly #counts = new Map<string, Record<Source, CounterSeries>>();
	/** Responses requested before this time may have missed an invalidation. */
	#gapEnd = 0;
	#aboutAggregates: { known: number; names: string[] } = { known: 0, names: [] };

	/** Must be called before the broker starts. */
	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		onConnectionGap(broker, () => {
			this.#gapEnd = performance.now();
		});
		onInvalidation(broker, (aggregates) => this.#invalidate(aggregates));
	}

	/** Reports whether a cached response may be returned to a client without asking the service. */
	isFresh(found: CachedResponse, client: string | undefined): boolean {
		return (
			!found.isInvalid &&
			found.asked_at > this.#gapEnd &&
			performance.now() < found.fresh_until &&
			found.asked_at > this.#changedAt(client, found.depends_on)
		);
	}

	/** Counts a returned response by its source. */
	count(action: string, source: Source): void {
		let counts = this.#counts.get(action);
		if (!counts) {
			const series = (result: Source) => cachedResponses.series({ rpc_method: action, result });
			counts = { hit: series("hit"), miss: series("miss"), stale: series("stale") };
			this.#counts.set(action, counts);
		}
		counts[source].inc();
	}

	/** Records a client's change and invalidates the cached responses that it affects. */
	noteChange(client: string | undefined, aggregates: string[]): void {
		const now = performance.now();
		for (const kind of aggregates.filter((name) => name === kindOf(name))) {
			this.#changes.set(`${ANY_CLIENT} ${kind}`, now);
		}
		if (client !== undefined) {
			for (const name of new Set([ANY_AGGREGATE, ...aggregates, ...aggregates.map(kindOf)])) {
				this.#changes.set(`${client} ${name}`, now);
			}
		}
		this.#invalidate(aggregates);
	}

	/**
	 * Returns the response of an action, from the cache or from its service; undefined if the action is not cached, or
	 * would reject the parameters.
	 */
	remember(
		action: string,
		{ cached, params }: ActionContract,
		input: unknown,
		options: Options,
	): Promise<Remembered> | undefined {
		const parsed = cached && params.safeParse(input ?? {});
		if (!parsed?.success) {
			return undefined;
		}
		// With parsed parameters, the call passes the middleware of this cache.
		const ask = () => this.#broker.call(action, input, { ...options, [PARSED]: parsed.data } as Options);
		return this.#find(action, cached as Cached, parsed.data, options, ask);
	}

	async #find(
		action: string,
		cached: Cached,
		params: Record<string, unknown>,
		options: Options,
		ask: () => Promise<unknown>,
	): Promise<Remembered> {
		const aggregate = cached.about?.(params);
		const key = keyOf(action, aggregate ?? JSON.stringify(params));
		const depends_on = aggregate ?? cached.among ?? ANY_AGGREGATE;
		const client = clientOf(options);
		const found = this.#cached.get(key);
		if (found && this.isFresh(found, client)) {
			return this.#give("hit", found);
		}
		const since = this.#changedAt(client, depends_on);
		const stale = found && found.asked_at > since ? found : undefined;
		const asked = this.#inFlight.get(key);
		const about = { action, params, depends_on, fresh_ms: cached.fresh_ms };
		const answer = asked && asked.asked_at > since ? asked.answer : this.#ask(key, about, ask);
		if (!stale) {
			return this.#give("miss", await answer);
		}
		try {
			const inTime = await Promise.race([answer, slow()]);
			return this.#give(inTime ? "miss" : "stale", inTime ?? stale);
		} catch (error) {
			if (!isUnavailable(error)) {
				throw error;
			}
			return this.#give("stale", stale);
		}
	}

	/** Calls the service. Concurrent identical calls share one request. */
	#ask(
		key: string,
		{
			fresh_ms,
			...about
		}: Pick<CachedResponse, "action" | "params" | "depends_on"> & Pick<Cached, "fresh_ms">,
		ask: () => Promise<unknown>,
	): Promise<CachedResponse> {
		const asked_at = performance.now();
		const answer = ask().then((answer) => {
			const found = { ...about, answer, asked_at, fresh_until: asked_at + fresh_ms, isInvalid: true };
			// A response that was invalidated while in flight is not cached.
			if (this.#inFlight.get(key) === request) {
				this.#cached.set(key, found);
				found.isInvalid = this.#cached.peek(key) !== found;
			}
			return found;
		});
		const request = { asked_at, answer };
		this.#inFlight.set(key, request);
		const end = (error?: unknown) => {
			if (this.#inFlight.get(key) !== request) {
				return;
			}
			this.#inFlight.delete(key);
			if (error && !isUnavailable(error)) {
				// The service reports that the aggregate no longer exists, which is newer than the cached response.
				this.#cached.delete(key);
			}
		};
		answer.then(() => end(), end);
		return answer;
	}

	#give(from: Source, response: CachedResponse): Remembered {
		this.count(response.action, from);
		const age_s = from === "stale" ? Math.round((performance.now() - response.asked_at) / 1000) : undefined;
		return { response, age_s };
	}

	#changedAt(client: string | undefined, name: string): number {
		return Math.max(
			...[client, ANY_CLIENT].map(
				(whose) => this.#changes.get(`${whose} ${name}`) ?? Number.NEGATIVE_INFINITY,
			),
		);
	}

	#invalidate(aggregates: string[]): void {
		const names = this.#namesAboutAggregates();
		for (const aggregate of aggregates) {
			for (const name of names) {
				const key = keyOf(name, aggregate);
				const found = this.#cached.peek(key);
				if (found) {
					found.isInvalid = true;
				}
				this.#inFlight.delete(key);
			}
		}
	}

	/**
	 * Names of the actions whose responses depend on one aggregate. The list is rebuilt when actions were declared later.
	 */
	#namesAboutAggregates(): string[] {
		const all = allActions();
		if (this.#aboutAggregates.known !== all.size) {
			const names = [...all].filter(([, { contract }]) => contract.cached?.about).map(([name]) => name);
			this.#aboutAggregates = { known: all.size, names };
		}
		return this.#aboutAggregates.names;
	}
}

/** Dependency of a response that names neither an aggregate nor a kind. */
const ANY_AGGREGATE = "*";

function keyOf(name: string, what: string): string {
	return `${name} ${what}`;
}

/**
 * Returns the client whose changes a call must see: the user of the token, this process if it calls on its own behalf,
 * or none.
 */
export function clientOf({ parentCtx, meta }: Options): string | undefined {
	const token = meta?.token ?? parentCtx?.meta.token;
	if (token !== undefined) {
		return userOf(token);
	}
	return (meta?.client ?? parentCtx?.meta.client) === undefined ? OWN_PROCESS : undefined;
}

/**
 * Reads the user from an access token without verifying it. A forged token only makes its bearer wait for a fresh
 * response; the calls made with it are refused before they change anything.
 */
export function userOf(token: string): string | undefined {
	try {
		const { sub } = JSON.parse(Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString());
		return /^\d{1,15}$/.test(sub) ? `user:${sub}` : undefined;
	} catch {
		return undefined;
	}
}

/** Estimates the memory that a JSON value takes, in bytes. */
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
