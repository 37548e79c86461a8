import {
	type ActionEndpoint,
	type Context,
	type Middleware,
	type ServiceBroker,
	Strategies,
} from "moleculer";
import { ErrorCode } from "nats";
import { listen, natsOf } from "../nats/client.ts";

/** So often a process asks whether those that it waits for still live. */
const ASK_EVERY_MS = 250;
const ANSWER_MS = 2000;

/** How many answers each broker waits for, by node, its own included. */
const waitingOf = new WeakMap<ServiceBroker, Map<string, number>>();

function waitingFor(broker: ServiceBroker): Map<string, number> {
	const known = waitingOf.get(broker) ?? new Map<string, number>();
	waitingOf.set(broker, known);
	return known;
}

/**
 * Calls go to the node of which this one waits for the fewest answers; of several, to each in its turn. A slow, frozen or
 * dead node keeps its callers waiting, and so gets no more of them.
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
 * Counts the answers that this process waits for, and asks NATS whether the nodes that owe them are there at all: NATS
 * knows at once when a process has died (nobody listens to its address), heartbeats only after seconds. What it owed is
 * then refused, and calls go elsewhere.
 */
export function failureDetectionMiddleware(): Middleware {
	let timer: NodeJS.Timeout;
	return {
		name: "Waiting",
		localAction: countWaiting,
		remoteAction: countWaiting,
		created(broker) {
			listen(broker, addressOf(broker, broker.nodeID), (message) => void message.respond());
		},
		async started(broker) {
			timer = setInterval(() => {
				for (const node of waitingFor(broker).keys()) {
					if (node !== broker.nodeID) {
						void dropIfFailed(broker, node);
					}
				}
			}, ASK_EVERY_MS);
			timer.unref();
		},
		// Until then a node that stops waits for its calls.
		async stopped() {
			clearInterval(timer);
		},
	};
}

type Handler = (ctx: Context) => Promise<unknown>;

/** A process's own calls of its own actions count as others do: else it would keep nearly all of them. */
function countWaiting(this: ServiceBroker, next: Handler): Handler {
	const waiting = waitingFor(this);
	return async function count(this: unknown, ctx: Context) {
		const node = ctx.endpoint?.local ? ctx.broker.nodeID : (ctx.nodeID as string);
		// A call from another node is one that this node answers, not one that it waits for.
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

async function dropIfFailed(broker: ServiceBroker, node: string): Promise<void> {
	try {
		await natsOf(broker)?.request(addressOf(broker, node), undefined, { timeout: ANSWER_MS });
	} catch (error) {
		// Anything else is no answer in time, or no NATS: that is for heartbeats to judge.
		if ((error as { code?: string }).code === ErrorCode.NoResponders) {
			broker.registry.nodes.disconnected(node, true);
		}
	}
}

function addressOf(broker: ServiceBroker, node: string): string {
	return `${broker.namespace}.alive.${node}`;
}
