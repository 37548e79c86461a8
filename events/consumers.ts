import type { PoolClient } from "pg";
import type { EventEnvelope, EventName } from "../contracts/actions.ts";
import type { PostgresService } from "../database/postgres-service.ts";

/**
 * The handlers of a service by event. A handler runs in the transaction that takes events in, on several at once: those
 * that follow each other in the batch and share the handler, the events of each aggregate in their order.
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

/** Runs the handlers of events; an event without a handler is skipped. */
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
