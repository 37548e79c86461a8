import type { PoolClient } from "pg";
import type { EventEnvelope, EventName } from "../contracts/actions.ts";
import type { PostgresService } from "./postgres.ts";

/**
 * What a service does with events. A handler works in the transaction that takes them in, on several at once: those that
 * follow each other in the batch and have the same handler, each aggregate's in their order.
 */
export type Consumers<This> = {
	[N in EventName]?: (this: This, events: EventEnvelope<N>[], client: PoolClient) => Promise<void>;
};

/** What the `inbox` mixin adds to a service. */
export interface InboxService extends PostgresService {
	/** @throws EVENTS_NOT_TAKEN_IN */
	checkInbox(): void;
	consumers: Consumers<InboxService>;
	/** Called after each commit that has taken events in. */
	afterEvents(events: EventEnvelope[]): void;
}

/** Does what the service does with events, if anything. */
export async function runConsumers(
	service: InboxService,
	events: EventEnvelope[],
	client: PoolClient,
): Promise<void> {
	const handlerOf = (event: EventEnvelope | undefined) => event && service.consumers[event.name];
	for (let from = 0; from < events.length; ) {
		const handler = handlerOf(events[from]);
		let to = from + 1;
		while (to < events.length && handlerOf(events[to]) === handler) {
			to++;
		}
		await handler?.call(service, events.slice(from, to) as never, client);
		from = to;
	}
}
