import type { Service, ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { jetStreamOf } from "../events/stream.ts";
import { inboxPending } from "../observability/metrics.ts";

/**
 * Reads gauges from a service for as long as it runs.
 *
 * @param add Adds the service as a source of its gauges; returns the functions that remove it.
 */
export function gauges<This extends Service>(add: (this: This) => (() => void)[]): Partial<ServiceSchema> {
	const sources = new WeakMap<Service, (() => void)[]>();
	return mixin<This>({
		started(this: This) {
			sources.set(this, add.call(this));
		},
		stopped(this: This) {
			for (const remove of sources.get(this) ?? []) {
				remove();
			}
		},
	});
}

/** Reports the events that a consumer group has not handled yet. */
export function pendingEvents(group: string): Partial<ServiceSchema> {
	return gauges(function () {
		return [
			inboxPending.add(() => {
				const pending = jetStreamOf(this.broker).pendingOf(group);
				return pending === undefined ? [] : [[{ service: this.name }, pending]];
			}),
		];
	});
}
