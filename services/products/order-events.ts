import { LRUCache } from "lru-cache";
import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import { mixin } from "../../broker/schema.ts";
import { publishInvalidation } from "../../cache/invalidation.ts";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { aboutProduct } from "../../contracts/products.ts";
import { isTransient } from "../../errors/kinds.ts";
import { ALL_EVENTS, readEvent } from "../../events/envelope.ts";
import { backoff, HEARTBEAT_MS, redeliver } from "../../events/redelivery.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { inConsumerSpans } from "../../events/tracing.ts";
import { batched } from "../../load/batching.ts";
import type { ConsistentService } from "../../mixins/consistency.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { pendingEvents } from "../../mixins/gauges.ts";
import type { HoldPage, ProductDocument } from "./documents.ts";
import { type Fate, settle } from "./settling.ts";
import { EVENTS_UP_TO, FATES, GROUP } from "./stream-position.ts";

/** An event that settles a hold, and its position in the stream. */
interface Settling {
	order_id: string;
	fate: Fate;
	position: number;
}

type SettlingService = DocumentService<ProductDocument, HoldPage> & ConsistentService;

const BATCH_EVENTS = 200;
/** Number of failures after which an event is left to the sweeper, which asks orders about each hold. */
const TRIES = 5;

/**
 * Settles holds by the events of their orders, in batches. An event is acknowledged once its hold has been removed on
 * the disk; if it is redelivered, there is no hold left. While the store is unavailable or rejects writes, events are
 * redelivered.
 */
export function orderEvents(): Partial<ServiceSchema> {
	let settleHold: (event: Settling) => Promise<undefined>;
	/** Number of failures of events by their position in the stream, without transient errors. */
	const failures = new LRUCache<number, number>({ max: 10_000 });
	return mixin<SettlingService>({
		created() {
			settleHold = batched(
				async (events) => {
					await settleHolds(this, events);
					return events.map(() => undefined);
				},
				{ max: BATCH_EVENTS },
			);
		},
		mixins: [pendingEvents(GROUP)],
		methods: {
			checkOrderEvents(this: DocumentService<ProductDocument>) {
				const reason = jetStreamOf(this.broker).lagOf(GROUP);
				if (reason) {
					throw problem("EVENTS_NOT_TAKEN_IN", { reason });
				}
			},
		},
		channels: {
			[ALL_EVENTS]: {
				group: GROUP,
				// JetStream never stops redelivering.
				maxRetries: -1,
				/** Never rejects: the adapter would have the event redelivered at once. */
				async handler(this: SettlingService, payload: unknown, message: JsMsg) {
					const fate = fateOf(payload);
					const event = fate && orderEvent(payload);
					if (!event) {
						return;
					}
					const { order_id } = event.data as { order_id: string };
					const { seq: position } = message;
					const settling = { order_id, fate, position };
					const heartbeat = setInterval(() => message.working(), HEARTBEAT_MS);
					try {
						await this.consistency.ready();
						// An event that has failed is handled alone, so that it fails no other.
						await inConsumerSpans(GROUP, [{ event, message }], async () =>
							failures.has(position) ? settleHolds(this, [settling]) : settleHold(settling),
						);
						failures.delete(position);
					} catch (error) {
						const { message: reason } = error as Error;
						const isRetried = isTransient(error);
						const failed = (failures.get(position) ?? 0) + (isRetried ? 0 : 1);
						if (!isRetried) {
							failures.set(position, failed);
						}
						if (failed >= TRIES && !isRetried && (await leaveToSweeper(this, settling, reason))) {
							failures.delete(position);
							return;
						}
						this.logger.warn(`${event.name} of order ${order_id} will be retried: ${reason}`);
						redeliver(message, backoff(isRetried ? message.info.redeliveryCount : failed));
					} finally {
						clearInterval(heartbeat);
					}
				},
			},
		},
	});
}

/** Settles the holds of these events and records the highest of their positions. */
async function settleHolds(service: SettlingService, events: readonly Settling[]): Promise<void> {
	const { adapter: products, secondary: pages, storeMetadata, broker } = service;
	const fates = new Map(events.map(({ order_id, fate }) => [order_id, fate]));
	// Concurrently, so that both share an fsync. A recorded position without its hold does no harm: the event is
	// redelivered.
	const [{ released }] = await Promise.all([
		settle({ products, pages }, fates),
		storeMetadata.raise(EVENTS_UP_TO, Math.max(...events.map(({ position }) => position))),
	]);
	publishInvalidation(broker, released.map(aboutProduct));
}

/** Records the event as handled. Returns true if the store has accepted that. */
async function leaveToSweeper(
	{ storeMetadata, logger }: SettlingService,
	{ order_id, position }: Settling,
	reason: string,
): Promise<boolean> {
	try {
		await storeMetadata.raise(EVENTS_UP_TO, position);
	} catch (error) {
		logger.warn(`Could not leave the hold of order ${order_id} to the sweeper: ${(error as Error).message}`);
		return false;
	}
	logger.error(`The hold of order ${order_id} is left to the next sweep: ${reason}`);
	return true;
}

/** Returns the fate of an event's hold. Most events have none, and are not parsed any further. */
function fateOf(payload: unknown): Fate | undefined {
	const { name } = (payload ?? {}) as Partial<EventEnvelope>;
	return typeof name === "string" && Object.hasOwn(FATES, name) ? FATES[name] : undefined;
}

/** Parses an event of a contract. Others are stored as dead letters by the services with an inbox. */
function orderEvent(payload: unknown): EventEnvelope | undefined {
	try {
		return readEvent(payload);
	} catch {
		return undefined;
	}
}
