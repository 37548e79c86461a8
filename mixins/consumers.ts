import type { PoolClient } from "pg";
import type { EventEnvelope, EventName } from "../contracts/actions.ts";
import type { JobsService } from "./jobs.ts";

/** What a service does with events. A handler works in the transaction that takes the event in. */
export type Consumers<This> = {
	[N in EventName]?: (this: This, event: EventEnvelope<N>, client: PoolClient) => Promise<void>;
};

/** What the `inbox` mixin adds to a service. */
export interface InboxService extends JobsService {
	/** @throws EVENTS_NOT_TAKEN_IN */
	checkInbox(): void;
	consumers: Consumers<InboxService>;
}

/** Does what the service does with an event, if anything. */
export async function runConsumer(
	service: InboxService,
	event: EventEnvelope,
	client: PoolClient,
): Promise<void> {
	await service.consumers[event.name]?.call(service, event as never, client);
}
