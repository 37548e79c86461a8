import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import { mixin } from "../broker/schema.ts";
import type { EventEnvelope } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import type { Consumers, InboxService } from "../events/consumers.ts";
import { countDeadLetters } from "../events/dead-letters.ts";
import { ALL_EVENTS } from "../events/envelope.ts";
import { Receiver } from "../events/receiver.ts";
import { jetStreamOf } from "../events/stream.ts";
import { deadLetters, deadLettersKept } from "../observability/metrics.ts";

import { gauges, pendingEvents } from "./gauges.ts";

export type { InboxService } from "../events/consumers.ts";

/** Function files of an inbox, for the `postgres` mixin. */
export const inboxFunctions = new URL("../events/functions/inbox/", import.meta.url);

/** Table files of an inbox and its dead letters, for the `postgres` mixin. */
export const inboxTables = [
	new URL("../events/tables/inbox.sql", import.meta.url),
	new URL("../events/tables/inbox-batches.sql", import.meta.url),
	new URL("../events/tables/inbox-indexes.sql", import.meta.url),
];

interface ReceivingService extends InboxService {
	receiver: Receiver;
}

/**
 * Inbox: handles events in the transaction that advances the positions of their aggregates. So a second delivery does
 * nothing, and the events of an aggregate are handled in the order of their commits, across all processes of the group.
 * Events that have arrived share a transaction and are acknowledged after its commit; a single event does not wait.
 * Work outside the database is recorded by the handler in a row of the same transaction.
 *
 * An event that fails with a transient error (the database is unavailable) is retried until done. One that fails
 * otherwise is tried five times with exponential backoff, and is then stored as a dead letter. Skipped events, whose
 * successors could wait no longer, are recorded and handled when they arrive.
 *
 * @param afterEvents Called with the handled events after each commit.
 */
export function inbox<This extends InboxService>(
	group: string,
	consumers: Consumers<This>,
	afterEvents: (this: This, events: EventEnvelope[]) => void = () => undefined,
): Partial<ServiceSchema> {
	return mixin<ReceivingService>({
		mixins: [
			pendingEvents(group),
			gauges<ReceivingService>(function () {
				// A rate cannot be computed from a counter that appears with its first event.
				deadLetters.inc({ service: this.name }, 0);
				return [
					deadLettersKept.add(async () => [[{ service: this.name }, await countDeadLetters(this.pool)]]),
				];
			}),
		],
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
				// JetStream never gives up: an event is acknowledged once it is in the inbox or a dead letter.
				maxRetries: -1,
				handler(this: ReceivingService, payload: unknown, message: JsMsg) {
					return this.receiver.receive(payload, message);
				},
			},
		},
	});
}
