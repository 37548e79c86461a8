import type { JetStreamManager } from "nats";
import type { EventName } from "../../contracts/actions.ts";
import { streamConfig } from "../../events/envelope.ts";
import { nextMessage, unlessMissing } from "../../events/stream.ts";
import { isOlder, withStream } from "../../mixins/consistency.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { natsOf } from "../../nats/client.ts";
import type { ProductDocument } from "./documents.ts";
import type { Fate } from "./settling.ts";

/** Fates of an order's units by its events. The id of an order is that of its reservation. */
export const FATES: Partial<Record<EventName, Fate>> = {
	"order.paid": "consume",
	"order.cancelled": "release",
	"order.expired": "release",
};

/** Consumer group of these events. */
export const GROUP = "products";

/**
 * Name under which the store records the position of the last event that settled a hold. It is on the disk before the
 * event is acknowledged. A recreated stream continues with higher positions.
 */
export const EVENTS_UP_TO = "EVENTS_UP_TO";

/** Describes the first event that settles holds after the recorded position and that the consumer has acknowledged. */
export async function unknownEvent(
	manager: JetStreamManager,
	recorded: number,
	acknowledged: number,
): Promise<string | undefined> {
	for (const name of Object.keys(FATES)) {
		const next = await nextMessage(manager, name, recorded + 1);
		if (next && next.seq <= acknowledged) {
			return `${name} at ${next.seq} of the stream`;
		}
	}
	return undefined;
}

/**
 * Checks that the store has all events of orders that the consumer has acknowledged. If not, it was restored from an
 * older copy.
 */
export const positionConsistent = withStream<DocumentService<ProductDocument>>(async function () {
	const manager = await natsOf(this.broker)?.jetstreamManager();
	if (!manager) {
		return undefined;
	}
	const consumer = await unlessMissing(manager.consumers.info(streamConfig().name, GROUP));
	// Read before the recorded position, which is never behind it.
	const acknowledged = consumer?.ack_floor.stream_seq ?? 0;
	await this.storeMetadata.add(EVENTS_UP_TO, acknowledged);
	const recorded = Number(await this.storeMetadata.read(EVENTS_UP_TO));
	const event = await unknownEvent(manager, recorded, acknowledged);
	return event && isOlder("products", `its consumer has acknowledged ${event}`);
});
