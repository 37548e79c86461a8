import { LRUCache } from "lru-cache";
import type { JsMsg } from "nats";
import pLimit from "p-limit";
import type { EventEnvelope } from "../contracts/actions.ts";
import { errorTypeOf, isTransient } from "../errors/kinds.ts";
import { batched } from "../load/batching.ts";
import { rememberError } from "../observability/last-errors.ts";
import { logAs, sharedRequest, type Work } from "../observability/log-context.ts";
import { deadLetters, handledEvents } from "../observability/metrics.ts";
import { observeSince } from "../observability/series.ts";
import { type InboxService, runConsumers } from "./consumers.ts";
import { keepDeadLetter } from "./dead-letters.ts";
import { isEventRef, isKnownEvent, NotAnEvent, readEvent } from "./envelope.ts";
import { advance, advanceTogether, type InboxOutcome } from "./inbox-rows.ts";
import { backoff, HEARTBEAT_MS, redeliver } from "./redelivery.ts";
import { inConsumerSpans, producerOf, requestOf } from "./tracing.ts";

/** Maximum number of events that one transaction handles. */
const BATCH_EVENTS = 200;
/** Maximum number of events that a process handles alone concurrently, since each takes a connection. */
const ALONE_MAX = 12;
/** Maximum number of tries before an event becomes a dead letter. */
const TRIES = 5;
/** Delay before an early event is redelivered, until its predecessor has arrived. */
const EARLY_MS = 250;
/**
 * Time limit for waiting for a predecessor, which after this is in no stream any more, or is late for another reason.
 */
const PREDECESSOR_MS = 60_000;

/** An event as it was delivered. */
interface Delivery {
	payload: unknown;
	message: JsMsg;
}

/** A delivered event that could be parsed. */
interface ParsedDelivery extends Delivery {
	event: EventEnvelope;
}

/**
 * Handles events as they arrive: those that arrive during a transaction share the next one. An event that is early, was
 * skipped, has failed or cannot be parsed is handled alone, as is each event of a failed batch, so that it delays no
 * other.
 */
export class Receiver {
	#service: InboxService;
	#alone = pLimit(ALONE_MAX);
	#processTogether = batched<Delivery, boolean>(
		(deliveries) => logAs(workOf(deliveries), () => this.#processBatch(deliveries)),
		{ max: BATCH_EVENTS },
	);
	/** Time since which an early event has been waiting for its predecessor, by stream sequence. */
	#early = new LRUCache<number, number>({ max: 10_000 });
	/** Number of failures of an event, waiting and transient errors excluded, by stream sequence. */
	#failures = new LRUCache<number, number>({ max: 10_000 });
	#inProgress = new Set<JsMsg>();
	#pulse: NodeJS.Timeout | undefined;

	constructor(service: InboxService) {
		this.#service = service;
	}

	/** Handles an event, or returns it to the stream. */
	async receive(payload: unknown, message: JsMsg): Promise<void> {
		this.#begin(message);
		try {
			const isKnown = this.#early.has(message.seq) || this.#failures.has(message.seq);
			if (isKnown || !(await this.#processTogether({ payload, message }))) {
				const work = workOf([{ payload, message }]);
				await this.#alone(() => logAs(work, () => this.#receiveAlone(payload, message)));
			}
		} finally {
			this.#end(message);
		}
	}

	/** Starts to report to NATS that the event is in progress. */
	#begin(message: JsMsg): void {
		this.#inProgress.add(message);
		this.#pulse ??= setInterval(() => {
			for (const one of this.#inProgress) {
				one.working();
			}
		}, HEARTBEAT_MS);
	}

	#end(message: JsMsg): void {
		this.#inProgress.delete(message);
		if (this.#inProgress.size === 0) {
			clearInterval(this.#pulse);
			this.#pulse = undefined;
		}
	}

	/**
	 * @returns For each event whether the inbox has it, from this call or an earlier one. The others must be handled
	 * alone.
	 */
	async #processBatch(deliveries: readonly Delivery[]): Promise<boolean[]> {
		const parsed = inOrder(deliveries.flatMap(parse));
		try {
			const done = parsed.length > 0 ? await this.#process(parsed) : [];
			return deliveries.map(({ message }) => done.includes(message));
		} catch (error) {
			if (deliveries.length > 1) {
				const { message } = error as Error;
				this.#service.logger.debug(`${deliveries.length} events are processed one by one: ${message}`);
			}
			return deliveries.map(() => false);
		}
	}

	async #process(parsed: ParsedDelivery[]): Promise<JsMsg[]> {
		const events = parsed.map(({ event }) => event);
		const { outcomes, next } = await inConsumerSpans(this.#service.name, parsed, async () => {
			const begun = performance.now();
			const handled = await this.#service.transaction(async (client) => {
				const outcomes = await advanceTogether(client, events);
				const next = events.filter((_, index) => outcomes[index] === "next");
				await runConsumers(this.#service, next, client);
				return { outcomes, next };
			});
			this.#measure(handled.next, begun);
			return handled;
		});
		this.#logHandled(parsed.filter((_, index) => outcomes[index] === "next"));
		this.#service.afterEvents(next);
		return parsed.filter((_, index) => outcomes[index]).map(({ message }) => message);
	}

	/** Logs a line for each event, since those of a batch belong to different requests. */
	#logHandled(handled: readonly Delivery[]): void {
		for (const one of handled) {
			logAs(workOf([one]), () => this.#service.logger.debug("handled"));
		}
	}

	async #receiveAlone(payload: unknown, message: JsMsg): Promise<void> {
		const begun = performance.now();
		try {
			const event = { ...readEvent(payload), request_id: requestOf(message) };
			const since = this.#early.get(message.seq) ?? Date.now();
			const outcome = await this.#processAlone(event, message, Date.now() - since > PREDECESSOR_MS);
			if (outcome === "early") {
				this.#early.set(message.seq, since);
				redeliver(message, EARLY_MS);
			} else {
				this.#early.delete(message.seq);
			}
		} catch (error) {
			const failed = (payload ?? {}) as Partial<EventEnvelope>;
			this.#measure([failed], begun, errorTypeOf(error));
			rememberError(`${labelOf(failed.name)} in ${this.#service.name}`, error);
			await this.#fail(payload, message, error as Error);
		}
	}

	async #processAlone(event: EventEnvelope, message: JsMsg, jump: boolean): Promise<InboxOutcome> {
		const outcome = await inConsumerSpans(this.#service.name, [{ event, message }], async () => {
			const begun = performance.now();
			const outcome = await this.#service.transaction(async (client) => {
				const outcome = await advance(client, event.aggregate, event.sequence, jump);
				if (outcome === "next") {
					await runConsumers(this.#service, [event], client);
				}
				return outcome;
			});
			if (outcome === "next") {
				this.#measure([event], begun);
			}
			return outcome;
		});
		if (outcome === "next") {
			this.#logHandled([{ payload: event, message }]);
			this.#service.afterEvents([event]);
		}
		return outcome;
	}

	#measure(events: Partial<EventEnvelope>[], begun: number, error_type?: string): void {
		for (const { name } of events) {
			const labels = {
				messaging_consumer_group_name: this.#service.name,
				messaging_destination_name: labelOf(name),
			};
			observeSince(handledEvents, labels, begun, error_type);
		}
	}

	async #fail(payload: unknown, message: JsMsg, error: Error): Promise<void> {
		const { logger } = this.#service;
		const { id, name, aggregate, sequence } = (payload ?? {}) as Partial<EventEnvelope>;
		const label = `Event ${JSON.stringify(name)} ${JSON.stringify(id)} (${message.seq} in the stream)`;
		if (!(error instanceof NotAnEvent) && isTransient(error)) {
			logger.warn(`${label} will be retried: ${error.message}`);
			redeliver(message, backoff(message.info.redeliveryCount));
			return;
		}
		const tries = (this.#failures.get(message.seq) ?? 0) + 1;
		this.#failures.set(message.seq, tries);
		if (tries < TRIES) {
			logger.warn(`${label} will be retried: ${error.message}`);
			redeliver(message, backoff(tries));
			return;
		}
		try {
			await this.#service.transaction(async (client) => {
				await keepDeadLetter(client, payload, error, tries);
				if (isEventRef(aggregate, sequence)) {
					// The later events of the aggregate proceed.
					await advance(client, aggregate as string, sequence as number, true);
				}
			});
			deadLetters.inc({ service: this.#service.name });
			logger.error(`${label} became a dead letter after ${tries} tries: ${error.message}`);
		} catch (failure) {
			logger.warn(`${label} will be retried: ${(failure as Error).message}`);
			redeliver(message, backoff(tries));
		}
	}
}

/** Returns the name of an event; `unknown` for a name that anybody could have sent. */
function labelOf(name: unknown): string {
	return isKnownEvent(name) ? name : "unknown";
}

/**
 * Returns what the lines of the log belong to while events are handled. Lines of a batch name only what its events have in common,
 * and the kinds of events.
 */
function workOf(deliveries: readonly Delivery[]): Work {
	const events = deliveries.map(({ payload }) => (payload ?? {}) as Partial<EventEnvelope>);
	const event = [...new Set(events.map(({ name }) => labelOf(name)))].join(",");
	const requestID = sharedRequest(deliveries.map(({ message }) => requestOf(message)));
	const [one, ...others] = deliveries as [Delivery, ...Delivery[]];
	if (others.length > 0) {
		return { event, requestID };
	}
	const { id } = (one.payload ?? {}) as { id?: unknown };
	return {
		event,
		requestID,
		event_id: typeof id === "string" ? id : undefined,
		trace: producerOf(one.message),
	};
}

function parse({ payload, message }: Delivery): ParsedDelivery[] {
	try {
		return [{ payload, message, event: { ...readEvent(payload), request_id: requestOf(message) } }];
	} catch {
		return [];
	}
}

/** Sorts each aggregate's events by sequence; aggregates keep the order in which they arrived. */
function inOrder(parsed: ParsedDelivery[]): ParsedDelivery[] {
	return [...Map.groupBy(parsed, ({ event }) => event.aggregate).values()].flatMap((events) =>
		events.sort((one, other) => one.event.sequence - other.event.sequence),
	);
}
