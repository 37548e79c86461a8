import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import type { EventEnvelope } from "../../contracts/actions.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { aboutProduct } from "../../contracts/products.ts";
import { batched } from "../../mixins/batching.ts";
import type { ComparedService } from "../../mixins/compared.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import { ACK_WAIT_MS, ALL_EVENTS, readEvent } from "../../mixins/events.ts";
import { isPassing } from "../../mixins/failures.ts";
import { tellOutdated } from "../../mixins/outdated.ts";
import { mixin } from "../../mixins/schema.ts";
import { jetStreamOf } from "../../mixins/stream.ts";
import type { HoldPage, ProductDocument } from "./model.ts";
import { EVENTS_UP_TO, FATES, GROUP } from "./place.ts";
import { type Fate, settle } from "./settling.ts";

/** An event that settles a hold, and its place in the stream. */
interface Settling {
	order_id: string;
	fate: Fate;
	position: number;
}

type SettlingService = DocumentService<ProductDocument, HoldPage> & ComparedService;

const EVENTS_AT_ONCE = 200;
/** Failures after which an event that cannot be handled is left to the sweeper, which asks orders about each hold. */
const TRIES = 5;
const BACKOFF_MAX_MS = 30_000;

/**
 * Settles holds by what became of their orders, as the stream tells, in batches of what has arrived. An event is
 * acknowledged once its hold is gone from the disk; delivered again it finds none.
 */
export function orderEvents(): Partial<ServiceSchema> {
	let settleHold: (event: Settling) => Promise<undefined>;
	return mixin<SettlingService>({
		created() {
			settleHold = batched(
				async (events) => {
					const holds = new Map(events.map(({ order_id, fate }) => [order_id, fate]));
					// Together, so that they share an fsync. A note without its hold does no harm: the event comes again.
					const [{ released }] = await Promise.all([
						settle({ products: this.adapter, pages: this.beside }, holds),
						this.notes.raise(EVENTS_UP_TO, Math.max(...events.map(({ position }) => position))),
					]);
					tellOutdated(this.broker, released.map(aboutProduct));
					return events.map(() => undefined);
				},
				{ max: EVENTS_AT_ONCE },
			);
		},
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
				// Never given up by JetStream.
				maxRetries: -1,
				async handler(this: SettlingService, given: unknown, message: JsMsg) {
					const event = orderEvent(given);
					const fate = event && FATES[event.name];
					if (!fate) {
						return;
					}
					const { order_id } = event.data as { order_id: string };
					const pulse = setInterval(() => message.working(), ACK_WAIT_MS / 4);
					try {
						await this.comparer.ready();
						await settleHold({ order_id, fate, position: message.seq });
					} catch (error) {
						const tries = message.info.redeliveryCount;
						const { message: reason } = error as Error;
						if (tries >= TRIES && !isPassing(error) && problemCode(error) !== "DATA_BEHIND") {
							await this.notes.raise(EVENTS_UP_TO, message.seq);
							this.logger.error(`The hold of order ${order_id} is left to the next sweep: ${reason}`);
							return;
						}
						this.logger.warn(`${event.name} of order ${order_id} is handled again: ${reason}`);
						message.nak(Math.min(BACKOFF_MAX_MS, 250 * 2 ** tries));
					} finally {
						clearInterval(pulse);
					}
				},
			},
		},
	});
}

/** An event that some contract has; what is none is kept as a dead letter by the services with an inbox. */
function orderEvent(given: unknown): EventEnvelope | undefined {
	try {
		return readEvent(given);
	} catch {
		return undefined;
	}
}
