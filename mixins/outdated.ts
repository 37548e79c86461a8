import type { ServiceBroker } from "moleculer";

/** The event by which nodes hear that answers which they may have kept are no longer right. */
export const OUTDATED = "answers.outdated";

/** Changes of the same moment are told together. */
const TOGETHER_MS = 10;

const untold = new WeakMap<ServiceBroker, Set<string>>();

/**
 * Tells every node that something has changed. It may get lost: what is kept is old after a while anyway.
 *
 * @param things As `cached.about` of the contracts names them, such as `product:<id>`.
 */
export function tellOutdated(broker: ServiceBroker, things: string[]): void {
	const known = untold.get(broker);
	if (known) {
		for (const thing of things) {
			known.add(thing);
		}
		return;
	}
	const fresh = new Set(things);
	untold.set(broker, fresh);
	setTimeout(() => {
		untold.delete(broker);
		broker.broadcast(OUTDATED, { things: [...fresh] }).catch(() => undefined);
	}, TOGETHER_MS).unref();
}
