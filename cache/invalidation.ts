import type { ServiceBroker } from "moleculer";
import { listen, natsOf } from "../nats/client.ts";

/** Interval for which invalidations are collected into one message. */
const TOGETHER_MS = 10;
/** Name of the local event, and last part of the subject. */
const INVALIDATED = "answers.outdated";

const unpublished = new WeakMap<ServiceBroker, Set<string>>();

/**
 * Publishes to every process that cached responses about these aggregates are invalid. Delivery is not guaranteed: a
 * lost message only means that responses stay cached until they expire.
 *
 * @param aggregates Names as `cached.about` of the contracts builds them, such as `product:<id>`.
 */
export function publishInvalidation(broker: ServiceBroker, aggregates: string[]): void {
	broker.localBus.emit(INVALIDATED, aggregates);
	const known = unpublished.get(broker);
	if (known) {
		for (const aggregate of aggregates) {
			known.add(aggregate);
		}
		return;
	}
	const fresh = new Set(aggregates);
	unpublished.set(broker, fresh);
	setTimeout(() => flushInvalidations(broker), TOGETHER_MS).unref();
}

/**
 * Publishes collected invalidations now. The caller of an action then gets them before the response, over the same
 * connection.
 */
export function flushInvalidations(broker: ServiceBroker): void {
	const aggregates = unpublished.get(broker);
	unpublished.delete(broker);
	// `broadcast` would leave out nodes that this one considers disconnected, and they would not notice the gap.
	const nats = natsOf(broker);
	if (aggregates && nats && !nats.isClosed()) {
		nats.publish(subjectOf(broker), [...aggregates].join("\n"));
	}
}

/** Subscribes to invalidations published by this process and by others. Call it before the broker starts. */
export function onInvalidation(broker: ServiceBroker, drop: (aggregates: string[]) => void): void {
	broker.localBus.on(INVALIDATED, drop);
	listen(broker, subjectOf(broker), (message) => drop(message.string().split("\n")));
}

function subjectOf(broker: ServiceBroker): string {
	return `${broker.namespace}.${INVALIDATED}`;
}
