import { setTimeout as wait } from "node:timers/promises";
import { type ActionEndpoint, type BrokerOptions, type Context, Errors, type Middleware } from "moleculer";
import pLimit from "p-limit";
import { actionContract, type Meta } from "../contracts/actions.ts";
import { takesKey } from "../contracts/contract.ts";
import { problemCode } from "../contracts/problems.ts";
import { countsAsFailure, isWorthRepeating } from "../errors/kinds.ts";
import { LeastOutstanding } from "./load-balancing.ts";

// How calls fail, all in one place; docs/reference/resilience.md is the same as a table. Deadlines and what may be called twice
// stand in each action's contract (`timeout_ms`, `idempotent`), answers that are kept in `cached`.

/** The deadline of a call whose contract names none, calls below it included. */
export const DEADLINE_MS = 10_000;

/** Of its caller's time a call may wait for its turn so much; the rest is for the work. */
export const WAIT_PART = 0.75;

/** A call that failed is made again this often, after random pauses that grow. */
export const RETRIES = 3;
const FIRST_PAUSE_MS = 50;

/**
 * How many calls of an action a process works on at the same moment, and how many wait; what is more is refused (503).
 * For those that would take the processor, a pool or a slow server away from all others.
 */
export const BULKHEADS: Readonly<Record<string, { concurrency: number; maxQueueSize: number }>> = {
	// Argon2id takes a core for each. Four threads hash, first come first served: most of them for those who log in.
	"v1.users.login": { concurrency: 8, maxQueueSize: 200 },
	"v1.users.register": { concurrency: 2, maxQueueSize: 50 },
	"v1.users.changePassword": { concurrency: 4, maxQueueSize: 50 },
	"v1.users.resetPassword": { concurrency: 4, maxQueueSize: 50 },
	// Orders that wait for each other's stock would keep those who only read products waiting too.
	"v1.orders.place": { concurrency: 64, maxQueueSize: 2000 },
	// Waits for the payment provider.
	"v1.orders.pay": { concurrency: 64, maxQueueSize: 64 },
};

/**
 * Keeps those bulkheads. Whoever waited for most of the time that its caller has is refused too (503, nothing was
 * begun): its answer would come when nobody wants it any more, and so would that of everybody behind it.
 */
export const bulkheadMiddleware: Middleware = {
	name: "Bulkheads",
	localAction(next, action) {
		const name = action.name as string;
		const bulkhead = BULKHEADS[name];
		if (!bulkhead) {
			return next;
		}
		const limit = pLimit(bulkhead.concurrency);
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

/** The broker's part of it. Its own retries are off: they all pause for the same time, and so come back together. */
export const resilience: Partial<BrokerOptions> = {
	requestTimeout: DEADLINE_MS,
	retryPolicy: { enabled: false },
	// For each action of each node.
	circuitBreaker: {
		enabled: true,
		threshold: 0.5,
		minRequestCount: 20,
		windowTime: 10,
		halfOpenTime: 2000,
		check: countsAsFailure,
	},
	// A killed process says nothing. Callers who wait for it find out at once (see load-balancing.ts), the others by this.
	heartbeatInterval: 1,
	heartbeatTimeout: 3,
	// So long a stopping node still takes calls, after it told all others to send it no more.
	registry: { strategy: LeastOutstanding as never, preferLocal: false, stopDelay: 400 },
};

/**
 * Tells Moleculer's circuit breaker which endpoint it is that a call goes to: it keeps the first one it has seen, and a
 * node that was away comes back with new ones. Outside the breaker, so after it in the list.
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
 * Calls again what failed in passing: idempotent actions, those with an `Idempotency-Key`, and any call that its callee
 * refused before it began.
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
			// Of a call from another node, that node is the caller.
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
				// One deadline for all attempts together: a driver that gives up late would use it up again and again.
				again.options = { ...ctx.options, timeout: left_ms } as typeof ctx.options;
			}
			return ctx.broker.call(name, ctx.params as never, { ctx: again } as never);
		}
	} as Handler;
}

/** What an action says itself, as that a payment was not made, is for the client to act on. */
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

/** Doubled with each attempt, of which a random half or more. */
function pause(attempt: number): number {
	return FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

/** A stopping node refuses what comes too late; it has done nothing of it. */
function wasNotBegun(error: unknown, name: string): boolean {
	const { action, nodeID } = (error as { data?: { action?: string; nodeID?: string } }).data ?? {};
	return error instanceof Errors.ServiceNotAvailableError && action === name && nodeID !== undefined;
}
