import type { CallingOptions, Context, Middleware } from "moleculer";
import { errorTypeOf } from "../errors/kinds.ts";
import { causingRequest, logAs } from "../observability/log-context.ts";

type Handler = (ctx: Context) => Promise<unknown>;

/**
 * Makes the lines that an action logs name its request, its caller and itself, and logs each call for debugging. Calls of event
 * handlers and jobs belong to the request that has caused these.
 */
export const logContextMiddleware: Middleware = {
	name: "LogContext",

	call(next) {
		return function callForRequest(this: unknown, name: string, params: unknown, options?: CallingOptions) {
			const requestID = options?.parentCtx || options?.requestID ? undefined : causingRequest();
			const given = requestID === undefined ? options : { ...options, requestID };
			return next.call(this as never, name, params as never, given as never);
		} as never;
	},

	localAction(next, { name = "", service }) {
		if (name.startsWith("$") || !service) {
			return next;
		}
		const handler = next as Handler;
		const { logger } = service;
		return function runLogged(this: unknown, ctx: Context) {
			return logAs(ctx as never, async () => {
				const begun = performance.now();
				try {
					const result = await handler.call(this, ctx);
					logger.debug("%s succeeded in %d ms", name, Math.round(performance.now() - begun));
					return result;
				} catch (error) {
					const code = errorTypeOf(error);
					logger.debug("%s failed in %d ms: %s", name, Math.round(performance.now() - begun), code);
					throw error;
				}
			});
		} as typeof next;
	},
};
