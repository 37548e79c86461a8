import type { Middleware, ServiceBroker } from "moleculer";
import {
	type Call,
	clientOf,
	type Options,
	ResponseCache,
	setResponseCache,
} from "../cache/response-cache.ts";
import { actionContract } from "../contracts/actions.ts";
import { type ActionContract, PARSED, type Parsed, paramsOf } from "../contracts/contract.ts";
import { PROBLEMS, problemCode } from "../contracts/problem-codes.ts";

/**
 * Caches responses in the caller's memory, for actions whose contract declares it (`cached`): at a gateway they cost no
 * call and remain available without the service. The response about one aggregate is requested again when its change is
 * published over NATS (cache/invalidation.ts); a list only expires after a short time. A client, identified by its
 * token's user, never gets a response older than its own changes through this process. Concurrent identical calls share
 * one request.
 */
export function responseCacheMiddleware(): Middleware {
	let broker: ServiceBroker;
	let cache: ResponseCache;
	return {
		name: "ResponseCache",
		created(created) {
			broker = created;
			cache = new ResponseCache(broker);
			setResponseCache(broker, cache);
		},
		call(next: Call) {
			return function callOrRemember(name: string, params: unknown, options: Options = {}) {
				const contract = actionContract(name);
				// The cache's own call has parsed parameters. A retry of a call (`ctx`) must not wait for the response that waits
				// for it.
				const isAsked = (options as Parsed)[PARSED] !== undefined || options.ctx !== undefined;
				const mayBeCached = contract && !isAsked && options.nodeID === undefined;
				const remembered = mayBeCached ? cache.remember(name, contract, params, options) : undefined;
				if (remembered) {
					return remembered.then(({ response }) => response.answer);
				}
				const answer = next.call(broker, name, params, options);
				if (contract?.changes && isChange(contract)) {
					const note = (ctx?: unknown, result?: unknown) =>
						cache.noteChange(clientOf(options), changedKeys(contract, params, ctx, result));
					// Recorded before the caller gets the response. A call may fail before anything has parsed its parameters.
					answer.then(
						(result) => note(answer.ctx, result),
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

/** Reports whether a call was refused before it changed anything; otherwise strangers could empty the cache. */
function changedNothing(error: unknown): boolean {
	const code = problemCode(error);
	return code !== undefined && [401, 403, 422].includes(PROBLEMS[code].status);
}

/** Returns the names of the changed aggregates and kinds; none for parameters that the callee will reject. */
function changedKeys(contract: ActionContract, input: unknown, ctx: unknown, result: unknown): string[] {
	const params = paramsOf(contract, input, ctx as Parameters<typeof paramsOf>[2]);
	return params === undefined ? [] : (contract.changes?.(params as never, result as never) ?? []);
}
