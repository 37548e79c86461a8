import type { Middleware, Service } from "moleculer";
import { problem } from "../contracts/problems.ts";
import { dataException, isForCaller, isTransient } from "../errors/kinds.ts";

/**
 * Converts database errors for callers. While a service's database is unavailable, its calls fail with a retryable 503
 * instead of 500. A value that a database cannot store or compare is the caller's mistake, and so never opens the
 * circuit breaker for others.
 */
export const databaseErrorMiddleware: Middleware = {
	name: "DatabaseErrors",
	localAction(next, action) {
		return async function convertDatabaseErrors(this: Service, ctx) {
			try {
				return await next.call(this, ctx);
			} catch (error) {
				if (!isForCaller(error) && isTransient(error)) {
					ctx.broker.logger.warn(`${action.name} is unavailable: ${(error as Error).message}`);
					throw problem("UNAVAILABLE", { service: action.name?.split(".").at(-2) });
				}
				const state = dataException(error);
				if (state) {
					// Its message quotes the value and is not logged.
					ctx.broker.logger.error(`${action.name} accepted a value that PostgreSQL rejects: ${state}`);
					const message = "contains a value that cannot be stored";
					throw problem("VALIDATION_FAILED", { errors: [{ path: "", message }] });
				}
				throw error;
			}
		};
	},
};
