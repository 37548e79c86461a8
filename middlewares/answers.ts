import { LRUCache } from "lru-cache";
import { type CallingOptions, type Context, Errors, type Middleware, type ServiceBroker } from "moleculer";
import { actionContract, allActions, type Meta } from "../contracts/actions.ts";
import type { ActionContract, Cached } from "../contracts/contract.ts";
import { whenDeaf } from "../mixins/nats-client.ts";
import { hearOutdated } from "../mixins/outdated.ts";
import { countsAsFailure } from "./resilience.ts";

/** An answer is shown for so long where there is no better one, because the service is away. */
const STALE_MS = 10 * 60_000;
/** ... or does not answer within this. */
const SLOW_MS = 1000;
/** Things that are kept: an answer that lists a hundred counts as a hundred. */
const THINGS_MAX = 20_000;
const CLIENTS_MAX = 100_000;

/** Counts where answers came from: `kept`, `service`, or `stale` (kept, and the service is away). */
export const ANSWERS_METRIC = "toko.answers.total";

interface Kept {
	answer: unknown;
	/** Where the next page begins. */
	next: string | undefined;
	asked_at: number;
	/** Something that it depends on may have changed: it is shown only where there is no newer one. */
	isOutdated?: boolean;
}

type Call = (name: string, params: unknown, options?: CallingOptions) => Promise<unknown> & { ctx?: Context };
type Options = CallingOptions & { parentCtx?: Context<unknown, Meta>; ctx?: Context };

/**
 * Keeps answers at the caller, in memory, of actions whose contract says so (`cached`): at a gateway they cost no call and
 * outlive the service. What depends on one thing is asked for again when somebody tells over NATS that it has changed
 * (mixins/outdated.ts); the rest is fresh for a short while only. A client never gets an answer older than what it changed
 * itself through this process. Of many who ask the same at the same moment one does, for all.
 */
export function answersMiddleware(): Middleware {
	const kept = new LRUCache<string, Kept>({
		maxSize: THINGS_MAX,
		sizeCalculation: ({ answer }) => (Array.isArray(answer) ? answer.length + 1 : 1),
		ttl: STALE_MS,
		perf: performance,
	});
	const underWay = new Map<string, { asked_at: number; answer: Promise<Kept> }>();
	/** When each client last changed something. */
	const changes = new LRUCache<string, number>({ max: CLIENTS_MAX, ttl: STALE_MS });
	/** What was asked before this moment may have missed that it is outdated. */
	let deafUntil = 0;
	let broker: ServiceBroker;

	return {
		name: "Answers",
		created(created) {
			broker = created;
			broker.metrics.register({ type: "counter", name: ANSWERS_METRIC, labelNames: ["action", "from"] });
			whenDeaf(broker, () => {
				deafUntil = performance.now();
			});
			hearOutdated(broker, drop);
		},
		call(next: Call) {
			return function callOrRemember(name: string, params: unknown, options: Options = {}) {
				const contract = actionContract(name);
				// Another try of a call (`ctx`) must not wait for the answer that is waiting for it.
				if (contract?.cached && options.nodeID === undefined && options.ctx === undefined) {
					const parsed = contract.params.safeParse(params ?? {});
					if (parsed.success) {
						return remember(name, contract.cached, parsed.data, options, () =>
							next.call(broker, name, params, options),
						);
					}
				}
				const answer = next.call(broker, name, params, options);
				if (contract && isChange(contract)) {
					const things = thingsChanged(contract, params);
					const note = () => {
						changes.set(clientOf(options), performance.now());
						drop(things);
					};
					// Before the caller hears of it; whatever became of it.
					answer.then(note, note);
				}
				return answer;
			} as never;
		},
	};

	async function remember(
		name: string,
		{ fresh_ms, about }: Cached<Record<string, unknown>>,
		params: Record<string, unknown>,
		options: Options,
		ask: () => Promise<unknown> & { ctx?: Context },
	): Promise<unknown> {
		const key = keyOf(name, about?.(params) ?? JSON.stringify(params));
		const since = changes.get(clientOf(options)) ?? Number.NEGATIVE_INFINITY;
		const found = kept.get(key);
		const stale = found && found.asked_at > since ? found : undefined;
		const isFresh = stale && !stale.isOutdated && stale.asked_at > deafUntil;
		if (isFresh && performance.now() - stale.asked_at < fresh_ms) {
			return give(name, "kept", stale, options);
		}
		const asked = underWay.get(key);
		const answer = asked && asked.asked_at > since ? asked.answer : askForAll(key, ask);
		if (!stale) {
			return give(name, "service", await answer, options);
		}
		try {
			const inTime = await Promise.race([answer, slow()]);
			return give(name, inTime ? "service" : "stale", inTime ?? stale, options);
		} catch (error) {
			if (!isAway(error)) {
				throw error;
			}
			return give(name, "stale", stale, options);
		}
	}

	function askForAll(key: string, ask: () => Promise<unknown> & { ctx?: Context }): Promise<Kept> {
		const asked_at = performance.now();
		const call = ask();
		const answer = call.then((answer) => {
			const found = { answer, next: (call.ctx?.meta as Meta | undefined)?.$next, asked_at };
			// Not where it was outdated meanwhile.
			if (underWay.get(key) === mine) {
				kept.set(key, found);
			}
			return found;
		});
		const mine = { asked_at, answer };
		underWay.set(key, mine);
		const end = (error?: unknown) => {
			if (underWay.get(key) !== mine) {
				return;
			}
			underWay.delete(key);
			if (error && !isAway(error)) {
				// The service says that there is no such thing any more: that is newer than what was kept.
				kept.delete(key);
			}
		};
		answer.then(() => end(), end);
		return answer;
	}

	function give(name: string, from: string, { answer, next, asked_at }: Kept, options: Options): unknown {
		broker.metrics.increment(ANSWERS_METRIC, { action: name, from });
		const meta = options.parentCtx?.meta;
		if (meta) {
			meta.$next = next;
			if (from === "stale") {
				meta.$age_s = Math.round((performance.now() - asked_at) / 1000);
			}
		}
		return answer;
	}

	function drop(things: string[]): void {
		for (const thing of things) {
			for (const name of actionsAboutOneThing()) {
				const key = keyOf(name, thing);
				const found = kept.get(key);
				if (found) {
					found.isOutdated = true;
				}
				underWay.delete(key);
			}
		}
	}
}

function keyOf(name: string, what: string): string {
	return `${name} ${what}`;
}

/** Whether the service, and not what was asked of it, is why there is no answer. */
function isAway(error: unknown): boolean {
	return (
		error instanceof Errors.ServiceNotFoundError ||
		error instanceof Errors.ServiceNotAvailableError ||
		countsAsFailure(error as Error)
	);
}

function isChange({ rest }: ActionContract): boolean {
	return rest !== undefined && rest.method !== "GET";
}

/** Nothing where the call is one that its callee will refuse. */
function thingsChanged({ changes, params: schema }: ActionContract, params: unknown): string[] {
	const parsed = changes ? schema.safeParse(params ?? {}) : undefined;
	return parsed?.success ? (changes?.(parsed.data) ?? []) : [];
}

/** Who asks: a client by its address, or this process. */
function clientOf({ parentCtx }: Options): string {
	return parentCtx?.meta.client ?? "";
}

function actionsAboutOneThing(): string[] {
	return [...allActions()].filter(([, { contract }]) => contract.cached?.about).map(([name]) => name);
}

function slow(): Promise<undefined> {
	return new Promise((resolve) => {
		setTimeout(() => resolve(undefined), SLOW_MS).unref();
	});
}
