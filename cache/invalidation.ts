import type { ServiceBroker } from "moleculer";
import { listen, natsOf } from "../nats/client.ts";

/** Changes of the same moment are told together. */
const TOGETHER_MS = 10;
/** The local event, and the end of the subject. */
const INVALIDATED = "answers.outdated";

const unpublished = new WeakMap<ServiceBroker, Set<string>>();

/**
 * Tells every process that something has changed. It may get lost: what is kept is old after a while anyway.
 *
 * @param things As `cached.about` of the contracts names them, such as `product:<id>`.
 */
export function publishInvalidation(broker: ServiceBroker, things: string[]): void {
	broker.localBus.emit(INVALIDATED, things);
	const known = unpublished.get(broker);
	if (known) {
		for (const thing of things) {
			known.add(thing);
		}
		return;
	}
	const fresh = new Set(things);
	unpublished.set(broker, fresh);
	setTimeout(() => {
		unpublished.delete(broker);
		// Not by `broadcast`: it leaves out the nodes that this one takes for gone, and they would not miss anything.
		const nats = natsOf(broker);
		if (nats && !nats.isClosed()) {
			nats.publish(subjectOf(broker), [...fresh].join("\n"));
		}
	}, TOGETHER_MS).unref();
}

/** Hears what `tellOutdated` says, here and elsewhere; call it before the broker starts. */
export function onInvalidation(broker: ServiceBroker, drop: (things: string[]) => void): void {
	broker.localBus.on(INVALIDATED, drop);
	listen(broker, subjectOf(broker), (message) => drop(message.string().split("\n")));
}

function subjectOf(broker: ServiceBroker): string {
	return `${broker.namespace}.${INVALIDATED}`;
}
