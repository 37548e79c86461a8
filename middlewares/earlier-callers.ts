import type { CallingOptions, Context, Middleware, Service, ServiceBroker } from "moleculer";
import { allActions, type DeclaredAction } from "../contracts/actions.ts";
import { locationOf, type Page, rowsOf } from "../contracts/contract.ts";

/**
 * Header of a call whose caller takes a page as the result of a list, and derives the status and location of a response
 * from the contract. Callers of the previous version do not. The registry cannot tell: it learns of a new node later than
 * its first calls arrive.
 */
const TAKES_PAGES = "takes_pages";

interface EarlierMeta {
	$next?: string;
	$location?: string;
	$statusCode?: number;
}

/**
 * Answers callers of the previous version, which run too during a rolling update, in the way they read: the rows of a
 * page alone, and the cursor, location and status in the metadata of the call.
 */
export function earlierCallerMiddleware(): Middleware {
	let broker: ServiceBroker;
	return {
		name: "EarlierCallers",
		created(created) {
			broker = created;
		},
		call(next) {
			return function callAsThisVersion(name: string, params: unknown, options?: CallingOptions) {
				if (!differing(name)) {
					return next.call(broker, name, params as never, options as never);
				}
				const headers = { ...options?.headers, [TAKES_PAGES]: true };
				return next.call(broker, name, params as never, { ...options, headers } as never);
			} as never;
		},
		localAction(next, { name = "" }) {
			const declared = differing(name);
			if (!declared) {
				return next;
			}
			return async function answerAsBefore(this: Service, ctx: Context<unknown, EarlierMeta>) {
				const result = await next.call(this, ctx as Context);
				const { headers } = ctx as { headers?: Record<string, unknown> | null };
				return headers?.[TAKES_PAGES] ? result : earlierResult(declared, ctx, result);
			} as typeof next;
		},
	};
}

/** Returns an action that answers callers of the previous version in another way. */
function differing(name: string): DeclaredAction | undefined {
	const declared = allActions().get(name);
	const { rest } = declared?.contract ?? {};
	const differs = rest?.location !== undefined || rest?.isAccepted !== undefined;
	return declared && (differs || rowsOf(declared.contract)) ? declared : undefined;
}

function earlierResult(
	{ contract, of }: DeclaredAction,
	{ params, meta }: Context<unknown, EarlierMeta>,
	result: unknown,
): unknown {
	const location = locationOf(contract, of.version, result);
	if (location !== undefined) {
		meta.$location = location;
	}
	if (contract.rest?.isAccepted?.(result, params as never)) {
		meta.$statusCode = 202;
	}
	if (rowsOf(contract) === undefined) {
		return result;
	}
	const { items, next } = result as Page;
	if (next !== null) {
		meta.$next = next;
	}
	return items;
}
