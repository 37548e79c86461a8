import { consumerOpts, type NatsConnection } from "nats";
import { settings } from "../../config/settings.ts";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { type Aggregate, streamConfig } from "../../events/envelope.ts";

/** Returns the sequences of an aggregate's events in the stream. */
export async function sequencesInStream(nats: NatsConnection, aggregate: Aggregate): Promise<number[]> {
	const manager = await nats.jetstreamManager();
	const stream = await manager.streams.info(streamConfig().name).catch(() => undefined);
	// The first event creates the stream.
	if (!stream?.state.messages) {
		return [];
	}
	const options = consumerOpts();
	options.orderedConsumer();
	const found: number[] = [];
	const subscription = await nats.jetstream().subscribe(`${settings.namespace}.events.>`, options);
	for await (const message of subscription) {
		const event = message.json<EventEnvelope>();
		if (event.aggregate === aggregate) {
			found.push(event.sequence);
		}
		if (message.info.pending === 0) {
			break;
		}
	}
	subscription.unsubscribe();
	return found;
}
