import { setTimeout as wait } from "node:timers/promises";
import { type ActionEndpoint, type BrokerOptions, type Context, Errors, type Middleware } from "moleculer";
import pLimit from "p-limit";
import { actionContract, type Meta } from "../contracts/actions.ts";
import { takesKey } from "../contracts/contract.ts";
import { problemCode } from "../contracts/problem-codes.ts";
import { countsAsFailure, isWorthRepeating } from "../errors/kinds.ts";
import { bulkheadActive, bulkheadQueued } from "../observability/metrics.ts";
import { LeastOutstanding } from "./load-balancing.ts";

// All rules for failing calls; docs/reference/resilience.md lists them. Deadlines, idempotency and bulkheads are declared
// in each action's contract (`timeout_ms`, `idempotent`, `bulkhead`), and so is caching (`cached`).

/** Deadline of a call whose contract names none, nested calls included. */
export const DEADLINE_MS = 10_000;

/** Share of its deadline that a call may wait in a queue; the rest is for the work. */
export const WAIT_PART = 0.75;

/** Maximum number of retries of a failed call, with random backoff. */
export const RETRIES = 3;
const FIRST_PAUSE_MS = 50;

/**
 * Enforces the bulkheads of contracts. A call that has waited for most of its deadline is refused too (503, nothing was begun): its
 * response would come too late, and so would those of all calls behind it.
 */
export const bulkheadMiddleware: Middleware = {
	name: "Bulkheads",
	localAction(next, action) {
		const name = action.name as string;
		const bulkhead = actionContract(name)?.bulkhead;
		if (!bulkhead) {
			return next;
		}
		const limit = pLimit(bulkhead.concurrency);
		bulkheadActive.add(() => [[{ rpc_method: name }, limit.activeCount]]);
		bulkheadQueued.add(() => [[{ rpc_method: name }, limit.pendingCount]]);
		return async function waitForTurn(this: unknown, ctx: Context) {
			const refusal = () => new Errors.QueueIsFullError({ action: name, nodeID: ctx.broker.nodeID });
			if (limit.pendingCount >= bulkhead.maxQueueSize) {
				throw refusal();
			}
			const { timeout = DEADLINE_MS } = ctx.options as { timeout?: number };
			const arrived_at = performance.now();
			return limit(() => {
				if (timeout > 0 && performance.now() - arrived_at > WAIT_PART * timeout) {
					throw refusal();
				}
				return next.call(this as never, ctx);
			});
		} as typeof next;
	},
};

/**
 * Broker options for resilience. Moleculer's retries are off: they all wait for the same time, and so collide again.
 */
export const resilience: Partial<BrokerOptions> = {
	requestTimeout: DEADLINE_MS,
	retryPolicy: { enabled: false },
	// Per action and node.
	circuitBreaker: {
		enabled: true,
		threshold: 0.5,
		minRequestCount: 20,
		windowTime: 10,
		halfOpenTime: 2000,
		check: countsAsFailure,
	},
	// Detects killed processes. Callers that wait for one learn of it at once (see load-balancing.ts), others by this.
	heartbeatInterval: 1,
	heartbeatTimeout: 3,
	// `stopDelay`: time for which a stopping node still accepts calls after it has announced its end to the others.
	registry: { strategy: LeastOutstanding as never, preferLocal: false, stopDelay: 400 },
};

/**
 * Gives Moleculer's circuit breaker the endpoint of the current call: it stores the first one that it has seen, and a
 * reconnected node has new ones. Outside of the breaker, so after it in the list of middlewares.
 */
export const breakerMiddleware: Middleware = {
	name: "BreakerOfThisEndpoint",
	localAction: withOwnBreaker,
	remoteAction: withOwnBreaker,
};

interface Breakers {
	CircuitBreakerStore?: Map<string, { ep: unknown }>;
}

function withOwnBreaker(next: Handler): Handler {
	return function noteEndpoint(this: unknown, ctx: Context) {
		const endpoint = ctx.endpoint as ActionEndpoint | undefined;
		const breaker = endpoint && (ctx.broker as Breakers).CircuitBreakerStore?.get(endpoint.name);
		if (breaker) {
			breaker.ep = endpoint;
		}
		return next.call(this, ctx);
	};
}

/**
 * Retries calls that failed with a transient error: idempotent ones, those with an `Idempotency-Key`, and any call that
 * its callee refused before it began.
 */
export const retryMiddleware: Middleware = {
	name: "Retries",
	localAction: withRetries,
	remoteAction: withRetries,
};

type Handler = (ctx: Context) => Promise<unknown>;

function withRetries(next: Handler, action: { name?: string }): Handler {
	const name = action.name as string;
	const contract = actionContract(name);
	if (!contract) {
		return next;
	}
	return async function retry(this: unknown, ctx: Context & { _retryAttempts?: number }) {
		const begun = performance.now();
		try {
			return await next.call(this, ctx);
		} catch (error) {
			const { idempotent } = contract;
			const mayRunTwice =
				hasKey(ctx, name, error) ||
				(typeof idempotent === "function" ? idempotent(ctx.params as never) : idempotent);
			const attempt = (ctx._retryAttempts ?? 0) + 1;
			const retries = (ctx.options as { retries?: number }).retries ?? RETRIES;
			// For a call from another node, that node is the caller and retries it.
			const isCallersTurn = !ctx.endpoint?.local || ctx.nodeID === ctx.broker.nodeID;
			const isWorthIt = (mayRunTwice && isWorthRepeating(error)) || wasNotBegun(error, name);
			if (!isCallersTurn || !isWorthIt || attempt > retries) {
				throw error;
			}
			const pause_ms = pause(attempt);
			const deadline_ms = (ctx.options as { timeout?: number }).timeout ?? DEADLINE_MS;
			const left_ms = deadline_ms - (performance.now() - begun) - pause_ms;
			if (deadline_ms > 0 && left_ms <= 0) {
				throw error;
			}
			await wait(pause_ms);
			const again = ctx.copy() as Context & { _retryAttempts?: number };
			again._retryAttempts = attempt;
			if (deadline_ms > 0) {
				// All attempts share one deadline: otherwise a driver with a late timeout would use it up in each of them.
				again.options = { ...ctx.options, timeout: left_ms } as typeof ctx.options;
			}
			return ctx.broker.call(name, ctx.params as never, { ctx: again } as never);
		}
	} as Handler;
}

/** Reports whether the key allows a retry. A problem that the action itself declares is for the client to handle. */
function hasKey(ctx: Context, name: string, error: unknown): boolean {
	const contract = actionContract(name);
	const code = problemCode(error);
	return (
		contract !== undefined &&
		takesKey(contract) &&
		(ctx.meta as Meta).idempotency?.action === name &&
		!(code && contract.problems?.includes(code))
	);
}

/** Returns an exponential backoff in ms, with jitter of up to half of it. */
function pause(attempt: number): number {
	return FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

/** Reports whether a stopping node refused the call before it began. */
function wasNotBegun(error: unknown, name: string): boolean {
	const { action, nodeID } = (error as { data?: { action?: string; nodeID?: string } }).data ?? {};
	return error instanceof Errors.ServiceNotAvailableError && action === name && nodeID !== undefined;
}
