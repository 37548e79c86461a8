import type { Context, Middleware } from "moleculer";
import { actionContract } from "../contracts/actions.ts";
import { listen, natsOf } from "../nats/client.ts";
import {
	activeSpans,
	activeTraceparent,
	inChildSpan,
	inSpan,
	isTraced,
	keepTrace,
	onFailedTrace,
	parseTraceparent,
} from "../observability/tracing.ts";

type Handler = (ctx: Context & { _retryAttempts?: number }) => Promise<unknown>;

/** Header of a call with the trace context of its caller: a header and not `meta`, which would return to the caller. */
const HEADER = "traceparent";

/**
 * Traces calls in the process that runs them: as a part of the caller's span, in this process or another one. Outside of the
 * bulkhead, so that waiting for a place counts. A call outside of any trace begins none.
 */
export const servedCallTraces: Middleware = {
	name: "ServedCallTraces",
	localAction: (next, action) => traceServed(next as Handler, action.name) as typeof next,
};

/**
 * Traces calls of actions in other processes, to which the call carries its context. Outside of the retries, so that one span
 * covers all tries.
 */
export const remoteCallTraces: Middleware = {
	name: "RemoteCallTraces",
	remoteAction: (next, action) => traceRemote(next as Handler, action.name) as typeof next,
};

function traceServed(next: Handler, name = ""): Handler {
	if (!isTraced() || !actionContract(name)) {
		return next;
	}
	const internal = { name, kind: "internal", attributes: attributesOf(name) } as const;
	const server = { ...internal, kind: "server" } as const;
	return function traceServedCall(this: unknown, ctx) {
		const work = () => next.call(this, ctx);
		if (ctx.nodeID === ctx.broker.nodeID) {
			return inChildSpan(internal, work);
		}
		const caller = parseTraceparent((ctx.headers as Record<string, unknown> | null)?.[HEADER]);
		return caller ? inSpan(caller, server, work) : work();
	};
}

function traceRemote(next: Handler, name = ""): Handler {
	if (!isTraced() || !actionContract(name)) {
		return next;
	}
	const client = { name, kind: "client", attributes: attributesOf(name) } as const;
	return function traceRemoteCall(this: unknown, ctx) {
		const work = () => {
			const traceparent = activeTraceparent();
			if (traceparent) {
				// A copy, since several calls may share the headers that their caller gave.
				ctx.headers = { ...ctx.headers, [HEADER]: traceparent };
			}
			return next.call(this, ctx);
		};
		if (activeSpans().length === 0 || ctx._retryAttempts) {
			return work();
		}
		return inChildSpan(client, work);
	};
}

function attributesOf(name: string) {
	return { "rpc.system.name": "moleculer", "rpc.method": name };
}

/**
 * Exchanges the ids of traces that were not sampled and whose request has failed: their parts in all processes are exported,
 * also those that succeeded there.
 */
export function failedTraces(): Middleware {
	return {
		name: "FailedTraces",
		created(broker) {
			if (!isTraced()) {
				return;
			}
			const subject = `${broker.namespace}.traces.failed`;
			listen(broker, subject, ({ data }) => keepTrace(Buffer.from(data).toString()));
			onFailedTrace((trace_id) => {
				const nats = natsOf(broker);
				if (nats && !nats.isClosed()) {
					nats.publish(subject, trace_id);
				}
			});
		},
	};
}
