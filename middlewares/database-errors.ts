import type { Middleware, Service } from "moleculer";
import { problem } from "../contracts/problems.ts";
import { dataException, isForCaller, isTransient } from "../errors/kinds.ts";

/**
 * Tells callers that a service is away while its database is: 503 and try again, not 500. What a database cannot keep or
 * compare is the caller's mistake: however often it comes, the action stays on for the others.
 */
export const databaseErrorMiddleware: Middleware = {
	name: "StoreFailures",
	localAction(next, action) {
		return async function tellStoreFailure(this: Service, ctx) {
			try {
				return await next.call(this, ctx);
			} catch (error) {
				if (!isForCaller(error) && isTransient(error)) {
					ctx.broker.logger.warn(`${action.name}: the database is away: ${(error as Error).message}`);
					throw problem("UNAVAILABLE", { service: action.name?.split(".").at(-2) });
				}
				const state = dataException(error);
				if (state) {
					// Not its message, which quotes the value.
					ctx.broker.logger.error(`${action.name} let a value through that PostgreSQL refuses: ${state}`);
					const message = "holds a value that cannot be kept";
					throw problem("VALIDATION_FAILED", { errors: [{ path: "", message }] });
				}
				throw error;
			}
		};
	},
};
