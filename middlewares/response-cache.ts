import type { Middleware, ServiceBroker } from "moleculer";
import {
	type Call,
	clientOf,
	type Options,
	ResponseCache,
	setResponseCache,
} from "../cache/response-cache.ts";
import { actionContract } from "../contracts/actions.ts";
import { type ActionContract, PARSED, paramsOf } from "../contracts/contract.ts";
import { PROBLEMS, problemCode } from "../contracts/problems.ts";

/**
 * Caches answers at the caller, in memory, of actions whose contract says so (`cached`): at a gateway they cost no call and
 * outlive the service. An answer about one thing is asked for again when somebody tells over NATS that the thing has changed
 * (cache/invalidation.ts); a list is fresh for a short while only. A client, by which its token's user is meant, never gets an
 * answer older than what it changed itself through this process. Concurrent identical calls share one request.
 */
export function responseCacheMiddleware(): Middleware {
	let broker: ServiceBroker;
	let cache: ResponseCache;
	return {
		name: "Answers",
		created(created) {
			broker = created;
			cache = new ResponseCache(broker);
			setResponseCache(broker, cache);
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
					const note = (ctx?: unknown) =>
						cache.noteChange(clientOf(options), changedKeys(contract, params, ctx));
					// Before the caller hears of it. A failure may have come before anybody has read the parameters.
					answer.then(
						() => note(answer.ctx),
						(error) => changedNothing(error) || note(),
					);
				}
				return answer;
			} as never;
		},
	};
}

function isChange({ rest }: ActionContract): boolean {
	return rest !== undefined && rest.method !== "GET";
}

/** Whether a call was refused before it did anything; strangers would otherwise empty the cache. */
function changedNothing(error: unknown): boolean {
	const code = problemCode(error);
	return code !== undefined && [401, 403, 422].includes(PROBLEMS[code].status);
}

/** Nothing where the call is one that its callee will refuse. */
function changedKeys(contract: ActionContract, given: unknown, ctx: unknown): string[] {
	const params = paramsOf(contract, given, ctx as Parameters<typeof paramsOf>[2]);
	return params === undefined ? [] : (contract.changes?.(params as never) ?? []);
}
