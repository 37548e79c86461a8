import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import { mixin } from "../broker/schema.ts";
import type { EventEnvelope } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import type { Consumers, InboxService } from "../events/consumers.ts";
import { ALL_EVENTS } from "../events/envelope.ts";
import { Receiver } from "../events/receiver.ts";
import { jetStreamOf } from "../events/stream.ts";

export type { InboxService } from "../events/consumers.ts";

/** The functions of an inbox, for the `postgres` mixin. */
export const inboxFunctions = new URL("../events/functions/inbox/", import.meta.url);

/** The tables of an inbox and its dead letters, for the `postgres` mixin. */
export const inboxTables = [
	new URL("../events/tables/inbox.sql", import.meta.url),
	new URL("../events/tables/inbox-batches.sql", import.meta.url),
	new URL("../events/tables/inbox-indexes.sql", import.meta.url),
];

interface ReceivingService extends InboxService {
	receiver: Receiver;
}

/**
 * The inbox: events are handled in one transaction with their places in the sequences of their aggregates. So a second
 * delivery does nothing, and the events of an aggregate are handled in the order in which they were committed, by all
 * processes of the group together. Events that have arrived share a transaction, and are acknowledged after its commit;
 * one that comes alone does not wait. What a handler wants done outside its database it notes in a row of the same
 * transaction.
 *
 * An event that fails for a passing reason (the database is away) is tried until it is done; one that fails otherwise
 * five times, further and further apart, and is then kept as a dead letter. Events that are passed over, because those
 * after them could wait no longer, are remembered and handled when they come.
 *
 * @param afterEvents Called after each commit that has taken events in, with these.
 */
export function inbox<This extends InboxService>(
	group: string,
	consumers: Consumers<This>,
	afterEvents: (this: This, events: EventEnvelope[]) => void = () => undefined,
): Partial<ServiceSchema> {
	return mixin<ReceivingService>({
		created(this: ReceivingService) {
			this.consumers = consumers as Consumers<InboxService>;
			this.receiver = new Receiver(this);
		},
		methods: {
			afterEvents: afterEvents as never,
			checkInbox(this: ReceivingService) {
				const reason = jetStreamOf(this.broker).lagOf(group);
				if (reason) {
					throw problem("EVENTS_NOT_TAKEN_IN", { reason });
				}
			},
		},
		channels: {
			[ALL_EVENTS]: {
				group,
				// Never given up by JetStream: an event leaves it when it is in the inbox or a dead letter.
				maxRetries: -1,
				handler(this: ReceivingService, given: unknown, message: JsMsg) {
					return this.receiver.receive(given, message);
				},
			},
		},
	});
}
