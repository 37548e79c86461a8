import { LRUCache } from "lru-cache";
import type { CallingOptions, Context, ServiceBroker } from "moleculer";
import { RESPONSES_METRIC } from "../broker/metrics.ts";
import { allActions, type Meta } from "../contracts/actions.ts";
import { type Cached, kindOf } from "../contracts/contract.ts";
import { isUnavailable } from "../errors/kinds.ts";
import { onConnectionGap } from "../nats/client.ts";
import { onInvalidation } from "./invalidation.ts";

/** An answer is shown for so long where there is no better one, because the service is unavailable. */
const STALE_MS = 10 * 60_000;
/** ... or does not answer within this. */
const SLOW_MS = 1000;
/** Memory for all cached answers of a process, estimated, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Changes that are remembered, each of one client to one thing. */
const CHANGES_MAX = 100_000;

type Source = "kept" | "service" | "stale";

/** Whose changes every client has to see. */
const EVERYBODY = "everybody";
/** The client of a process that calls for itself. */
const OWN_PROCESS = "process";

/** An answer of an action, as the cache has it. */
export interface CachedResponse {
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

/** `call` of a broker. */
export type Call = (
	name: string,
	params: unknown,
	options?: CallingOptions,
) => Promise<unknown> & { ctx?: Context<unknown, Meta> };
/** Options of a call, with what Moleculer's types leave out. */
export type Options = CallingOptions & { parentCtx?: Context<unknown, Meta>; ctx?: Context; meta?: Meta };

/** Origin of an answer, told to the caller of a cached action: put it into the options of the call. */
export interface Traced {
	cached?: CachedResponse;
	/** The age to tell, in seconds, where the answer is stale. */
	age_s?: number;
}

/** In a call's options: an object that is told where the answer came from. */
export const TRACED = Symbol("traced");

const caches = new WeakMap<ServiceBroker, ResponseCache>();

/** Gives a broker its cache. */
export function setResponseCache(broker: ServiceBroker, cache: ResponseCache): void {
	caches.set(broker, cache);
}

/** The cache of a broker. */
export function responseCacheOf(broker: ServiceBroker): ResponseCache {
	const cache = caches.get(broker);
	if (!cache) {
		throw new Error("this broker has no cache of answers: it needs answersMiddleware()");
	}
	return cache;
}

/** The cached answers of a process, and what each of its clients has changed. */
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
	readonly #underWay = new Map<string, { asked_at: number; answer: Promise<CachedResponse> }>();
	/** When each client last changed each thing, and things of each kind. */
	readonly #changes = new LRUCache<string, number>({ max: CHANGES_MAX, ttl: STALE_MS, perf: performance });
	/** What was asked before this moment may have missed that it is invalid. */
	#deafUntil = 0;
	#aboutOneThing: { known: number; names: string[] } = { known: 0, names: [] };

	/** Call it before the broker starts. */
	constructor(broker: ServiceBroker) {
		this.#broker = broker;
		broker.metrics.register({ type: "counter", name: RESPONSES_METRIC, labelNames: ["action", "from"] });
		onConnectionGap(broker, () => {
			this.#deafUntil = performance.now();
		});
		onInvalidation(broker, (things) => this.#invalidate(things));
	}

	/** Whether a client may be shown an answer without another look. */
	isFresh(found: CachedResponse, client: string | undefined): boolean {
		return (
			!found.isInvalid &&
			found.asked_at > this.#deafUntil &&
			performance.now() < found.fresh_until &&
			found.asked_at > this.#changedAt(client, found.depends_on)
		);
	}

	/** Counts answers that were shown. */
	count(action: string, from: Source, answers = 1): void {
		this.#broker.metrics.increment(RESPONSES_METRIC, { action, from }, answers);
	}

	/** Remembers who changed what, and invalidates what is known of it. */
	noteChange(client: string | undefined, things: string[]): void {
		const now = performance.now();
		for (const kind of things.filter((name) => name === kindOf(name))) {
			this.#changes.set(`${EVERYBODY} ${kind}`, now);
		}
		if (client !== undefined) {
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
		{
			fresh_ms,
			...about
		}: Pick<CachedResponse, "action" | "params" | "depends_on"> & Pick<Cached, "fresh_ms">,
		ask: () => ReturnType<Call>,
	): Promise<CachedResponse> {
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

	#give(from: Source, found: CachedResponse, options: Options): unknown {
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
		return Math.max(
			...[client, EVERYBODY].map(
				(whose) => this.#changes.get(`${whose} ${name}`) ?? Number.NEGATIVE_INFINITY,
			),
		);
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

/** Whose changes a call must see: a user's, by the token; those of this process, where it calls for itself; else nobody's. */
export function clientOf({ parentCtx, meta }: Options): string | undefined {
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
