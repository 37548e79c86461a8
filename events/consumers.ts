import type { PoolClient } from "pg";
import type { EventEnvelope, EventName } from "../contracts/actions.ts";
import type { PostgresService } from "../database/postgres-service.ts";

/**
 * Event handlers of a service by event name. A handler runs in the transaction that records events in the inbox, on
 * several events at once: consecutive ones of the batch that share the handler, with those of each aggregate in their
 * order.
 */
export type Consumers<This> = {
	[N in EventName]?: (this: This, events: EventEnvelope<N>[], client: PoolClient) => Promise<void>;
};

/** Members that the `inbox` mixin adds to a service. */
export interface InboxService extends PostgresService {
	/** @throws EVENTS_NOT_TAKEN_IN */
	checkInbox(): void;
	consumers: Consumers<InboxService>;
	/** Called after each commit that has handled events. */
	afterEvents(events: EventEnvelope[]): void;
}

/** Runs the handlers of events; an event without a handler is ignored. */
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
