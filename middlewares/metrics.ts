import type { Context, Middleware } from "moleculer";
import { errorTypeOf, kindOf } from "../errors/kinds.ts";
import { rememberError } from "../observability/last-errors.ts";
import { breakersOpen, remoteCalls, servedCalls } from "../observability/metrics.ts";
import { isMeasured } from "../observability/registry.ts";
import { observeSince } from "../observability/series.ts";
import { activeSpans } from "../observability/tracing.ts";

type Handler = (ctx: Context) => Promise<unknown>;
type Durations = typeof servedCalls | typeof remoteCalls;

/**
 * Measures calls as the process that runs them sees them. Outside of the bulkhead, so that waiting for a place counts, and
 * inside of the retries.
 */
export const servedCallMetrics: Middleware = {
	name: "ServedCallMetrics",
	localAction: (next, action) => measured(servedCalls, next, action.name) as typeof next,
};

/** Measures calls of actions in other processes. Outside of the retries, so that it covers all tries. */
export const remoteCallMetrics: Middleware = {
	name: "RemoteCallMetrics",
	remoteAction: (next, action) => measured(remoteCalls, next, action.name) as typeof next,
};

function measured(durations: Durations, next: Handler, name = ""): Handler {
	if (!isMeasured || name.startsWith("$")) {
		return next;
	}
	const labels = { rpc_method: name };
	const succeeded = durations.series(labels);
	return async function measure(this: unknown, ctx: Context) {
		const begun = performance.now();
		try {
			const result = await next.call(this, ctx);
			succeeded.observe(begun, performance.now(), activeSpans()[0]);
			return result;
		} catch (error) {
			observeSince(durations, labels, begun, errorTypeOf(error));
			// Clients make mistakes all the time.
			if (kindOf(error) !== "client") {
				rememberError(name, error);
			}
			throw error;
		}
	};
}

interface Breaker {
	action: string;
	nodeID: string;
}

/** Reports the circuit breakers that are open. */
export function breakerMetrics(): Middleware {
	const open = new Map<string, { rpc_method: string; node: string }>();
	let forget: () => void;
	return {
		name: "BreakerMetrics",
		created(broker) {
			forget = breakersOpen.add(() => [...open.values()].map((labels) => [labels, 1]));
			broker.localBus.on("$circuit-breaker.opened", ({ action, nodeID }: Breaker) => {
				open.set(`${nodeID} ${action}`, { rpc_method: action, node: nodeID });
			});
			broker.localBus.on("$node.disconnected", ({ node: { id } }: { node: { id: string } }) => {
				for (const [key, { node }] of open) {
					if (node === id) {
						open.delete(key);
					}
				}
			});
			for (const end of ["$circuit-breaker.half-opened", "$circuit-breaker.closed"]) {
				broker.localBus.on(end, ({ action, nodeID }: Breaker) => open.delete(`${nodeID} ${action}`));
			}
		},
		async stopped() {
			forget();
		},
	};
}
