import type { Context, Middleware, Service } from "moleculer";

/** Counts the calls that this process has run, for `npm run status`. */
export const CALLS_METRIC = "toko.calls.total";

export const countingMiddleware: Middleware = {
	name: "Counting",
	created(broker) {
		broker.metrics.register({ type: "counter", name: CALLS_METRIC });
	},
	localAction(next, action) {
		if (action.name?.startsWith("$")) {
			return next;
		}
		return function count(this: Service, ctx: Context) {
			ctx.broker.metrics.increment(CALLS_METRIC);
			return next.call(this, ctx);
		};
	},
};
