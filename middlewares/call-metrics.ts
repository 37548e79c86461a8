import type { Context, Middleware, Service } from "moleculer";
import { CALLS_METRIC, PROCESSOR_METRIC } from "../broker/metrics.ts";

const PROCESSOR_EVERY_MS = 500;
let timer: NodeJS.Timeout | undefined;

/**
 * Counts calls and processor time for `npm run status` and `npm run cluster`; Moleculer's metric is the whole
 * machine's.
 */
export const callMetricsMiddleware: Middleware = {
	name: "Counting",
	created(broker) {
		broker.metrics.register({ type: "counter", name: CALLS_METRIC });
		broker.metrics.register({ type: "gauge", name: PROCESSOR_METRIC });
	},
	async started(broker) {
		timer = setInterval(() => {
			const { user, system } = process.cpuUsage();
			broker.metrics.set(PROCESSOR_METRIC, Math.round((user + system) / 1000));
		}, PROCESSOR_EVERY_MS);
		timer.unref();
	},
	async stopped() {
		clearInterval(timer);
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
