import type { Context, Middleware, Service } from "moleculer";
import { allActions } from "../contracts/actions.ts";
import { type ActionContract, locationOf, type Page, rowsOf } from "../contracts/contract.ts";

/**
 * Key in a node's metadata: the node takes a page as the result of a list, and derives the status and location of a
 * response from the contract. Nodes of the previous version do not.
 */
const TAKES_PAGES = "takes_pages";

interface EarlierMeta {
	$next?: string;
	$location?: string;
	$statusCode?: number;
}

/**
 * Answers nodes of the previous version, which run too during a rolling update, in the way they read: the rows of a page
 * alone, and the cursor, location and status in the metadata of the call.
 */
export const earlierCallerMiddleware: Middleware = {
	name: "EarlierCallers",
	created(broker) {
		Object.assign(broker.metadata, { [TAKES_PAGES]: true });
	},
	localAction(next, { name = "" }) {
		const declared = allActions().get(name);
		if (!declared || !hasFacts(declared.contract)) {
			return next;
		}
		const { contract, of } = declared;
		return async function answerAsBefore(this: Service, ctx: Context<unknown, EarlierMeta>) {
			const result = await next.call(this, ctx as Context);
			if (takesPages(ctx)) {
				return result;
			}
			const location = locationOf(contract, of.version, result);
			if (location !== undefined) {
				ctx.meta.$location = location;
			}
			if (contract.rest?.isAccepted?.(result, ctx.params as never)) {
				ctx.meta.$statusCode = 202;
			}
			if (rowsOf(contract) === undefined) {
				return result;
			}
			const { items, next: cursor } = result as Page;
			if (cursor !== null) {
				ctx.meta.$next = cursor;
			}
			return items;
		} as typeof next;
	},
};

function hasFacts(contract: ActionContract): boolean {
	return Boolean(contract.rest?.location ?? contract.rest?.isAccepted ?? rowsOf(contract));
}

function takesPages({ nodeID, broker }: Context<unknown, EarlierMeta>): boolean {
	const caller = broker.registry.nodes.get(nodeID as string) as
		| { metadata?: Record<string, unknown> }
		| undefined;
	return nodeID === broker.nodeID || caller?.metadata?.[TAKES_PAGES] === true;
}
