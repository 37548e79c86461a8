import {
	type ActionEndpoint,
	type Context,
	type Middleware,
	type ServiceBroker,
	Strategies,
} from "moleculer";
import { ErrorCode } from "nats";
import { listen, natsOf } from "../nats/client.ts";

/** Interval between liveness checks of the nodes with outstanding calls. */
const ASK_EVERY_MS = 250;
/** A later check means that this process could not read what others sent meanwhile, such as their heartbeats. */
const STALL_MS = 4 * ASK_EVERY_MS;
const ANSWER_MS = 2000;

/** Number of outstanding calls of each broker by node, its own included. */
const waitingOf = new WeakMap<ServiceBroker, Map<string, number>>();

function waitingFor(broker: ServiceBroker): Map<string, number> {
	const known = waitingOf.get(broker) ?? new Map<string, number>();
	waitingOf.set(broker, known);
	return known;
}

/**
 * Load balancing strategy that selects the node with the fewest outstanding calls of this process; ties are broken
 * round robin. A slow, frozen or dead node keeps calls outstanding, and so gets no more of them.
 */
export class LeastOutstanding extends Strategies.Base {
	#turn = 0;

	override select(endpoints: ActionEndpoint[]): ActionEndpoint {
		const waiting = waitingFor(this.broker);
		this.#turn = (this.#turn + 1) % endpoints.length;
		let best: ActionEndpoint | undefined;
		let fewest = Number.POSITIVE_INFINITY;
		for (let place = 0; place < endpoints.length; place++) {
			const endpoint = endpoints[(this.#turn + place) % endpoints.length] as ActionEndpoint;
			const calls = waiting.get(endpoint.id) ?? 0;
			if (calls < fewest) {
				best = endpoint;
				fewest = calls;
			}
		}
		return best as ActionEndpoint;
	}
}

/**
 * Counts outstanding calls, and checks with NATS whether the nodes that they wait for are alive. NATS detects a dead
 * process at once, since its subject has no subscriber; heartbeats take seconds. The calls of a dead node fail, and new
 * ones go to other nodes.
 */
export function failureDetectionMiddleware(): Middleware {
	let timer: NodeJS.Timeout;
	let checkStall: () => void;
	return {
		name: "FailureDetection",
		localAction: countWaiting,
		remoteAction: countWaiting,
		created(broker) {
			listen(broker, addressOf(broker, broker.nodeID), (message) => void message.respond());
			checkStall = forgiveOwnStalls(broker);
		},
		async started(broker) {
			timer = setInterval(() => {
				checkStall();
				for (const node of waitingFor(broker).keys()) {
					if (node !== broker.nodeID) {
						void dropIfFailed(broker, node);
					}
				}
			}, ASK_EVERY_MS);
			timer.unref();
		},
		// In `stopped`, since a stopping node first waits for its calls.
		async stopped() {
			clearInterval(timer);
		},
	};
}

type Handler = (ctx: Context) => Promise<unknown>;

/** Counts a process's calls of its own actions too: otherwise it would run nearly all of them itself. */
function countWaiting(this: ServiceBroker, next: Handler): Handler {
	const waiting = waitingFor(this);
	return async function count(this: unknown, ctx: Context) {
		const node = ctx.endpoint?.local ? ctx.broker.nodeID : (ctx.nodeID as string);
		// A call from another node is outstanding there, not here.
		if (ctx.nodeID !== node) {
			return next.call(this, ctx);
		}
		waiting.set(node, (waiting.get(node) ?? 0) + 1);
		try {
			return await next.call(this, ctx);
		} finally {
			const left = (waiting.get(node) ?? 1) - 1;
			if (left > 0) {
				waiting.set(node, left);
			} else {
				waiting.delete(node);
			}
		}
	};
}

interface Discoverer {
	checkRemoteNodes(): void;
}

/**
 * Counts the time in which this process itself stood still as no silence of others: their heartbeats have come and are
 * not read yet when Moleculer's timer looks for them.
 *
 * @returns What must be called every `ASK_EVERY_MS`.
 */
function forgiveOwnStalls(broker: ServiceBroker): () => void {
	const { discoverer, nodes } = broker.registry as unknown as {
		discoverer: Discoverer;
		nodes: { toArray(): { local: boolean; available: boolean; lastHeartbeatTime: number }[] };
	};
	let last = performance.now();
	const checkStall = () => {
		const now = performance.now();
		if (now - last > STALL_MS) {
			for (const node of nodes.toArray().filter(({ local, available }) => !local && available)) {
				// In Moleculer's unit.
				node.lastHeartbeatTime = Math.round(process.uptime());
			}
		}
		last = now;
	};
	const check = discoverer.checkRemoteNodes;
	discoverer.checkRemoteNodes = function checkAfterStall(this: Discoverer) {
		checkStall();
		check.call(this);
	};
	return checkStall;
}

async function dropIfFailed(broker: ServiceBroker, node: string): Promise<void> {
	try {
		await natsOf(broker)?.request(addressOf(broker, node), undefined, { timeout: ANSWER_MS });
	} catch (error) {
		// Any other error means no response in time, or no NATS, for which the heartbeats decide.
		if ((error as { code?: string }).code === ErrorCode.NoResponders) {
			broker.registry.nodes.disconnected(node, true);
		}
	}
}

function addressOf(broker: ServiceBroker, node: string): string {
	return `${broker.namespace}.alive.${node}`;
}
