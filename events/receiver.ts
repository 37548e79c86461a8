import { LRUCache } from "lru-cache";
import type { JsMsg } from "nats";
import pLimit from "p-limit";
import type { EventEnvelope } from "../contracts/actions.ts";
import { isTransient } from "../errors/kinds.ts";
import { batched } from "../load/batching.ts";
import { type InboxService, runConsumers } from "./consumers.ts";
import { countDeadLetter, keepDeadLetter } from "./dead-letters.ts";
import { ACK_WAIT_MS, isPlace, NotAnEvent, readEvent } from "./envelope.ts";
import { advance, advanceTogether, type Place } from "./inbox-rows.ts";

/** Maximum number of events that one transaction handles. */
const BATCH_EVENTS = 200;
/** Maximum number of events that a process handles alone concurrently, since each takes a connection. */
const ALONE_AT_ONCE = 12;
/** Maximum number of tries before an event becomes a dead letter. */
const TRIES = 5;
/** Delay before an early event is redelivered, until its predecessor has arrived. */
const EARLY_MS = 250;
/**
 * Time limit for waiting for a predecessor, which after this is in no stream any more, or is late for another reason.
 */
const PATIENCE_MS = 60_000;
/** Interval between reports to NATS that an event is in progress. */
const PULSE_MS = ACK_WAIT_MS / 4;

/** An event as it was delivered. */
interface Arrived {
	given: unknown;
	message: JsMsg;
}

/** A delivered event that could be parsed. */
interface Readable extends Arrived {
	event: EventEnvelope;
}

/**
 * Handles events as they arrive: those that arrive during a transaction share the next one. An event that is early, was
 * skipped, has failed or cannot be parsed is handled alone, as is each event of a failed batch, so that it delays no
 * other.
 */
export class Receiver {
	#service: InboxService;
	#alone = pLimit(ALONE_AT_ONCE);
	#takeTogether = batched<Arrived, boolean>((arrived) => this.#takeBatch(arrived), { max: BATCH_EVENTS });
	/** Time since which an early event has been waiting for its predecessor, by stream sequence. */
	#early = new LRUCache<number, number>({ max: 10_000 });
	/** Number of failures of an event, waiting and transient errors excluded, by stream sequence. */
	#failures = new LRUCache<number, number>({ max: 10_000 });
	#underWay = new Set<JsMsg>();
	#pulse: NodeJS.Timeout | undefined;

	constructor(service: InboxService) {
		this.#service = service;
	}

	/** Handles an event, or returns it to the stream. */
	async receive(given: unknown, message: JsMsg): Promise<void> {
		this.#begin(message);
		try {
			const isKnown = this.#early.has(message.seq) || this.#failures.has(message.seq);
			if (isKnown || !(await this.#takeTogether({ given, message }))) {
				await this.#alone(() => this.#receiveAlone(given, message));
			}
		} finally {
			this.#end(message);
		}
	}

	/** Starts to report to NATS that the event is in progress. */
	#begin(message: JsMsg): void {
		this.#underWay.add(message);
		this.#pulse ??= setInterval(() => {
			for (const one of this.#underWay) {
				one.working();
			}
		}, PULSE_MS);
	}

	#end(message: JsMsg): void {
		this.#underWay.delete(message);
		if (this.#underWay.size === 0) {
			clearInterval(this.#pulse);
			this.#pulse = undefined;
		}
	}

	/**
	 * @returns For each event whether the inbox has it, from this call or an earlier one. The others must be handled
	 * alone.
	 */
	async #takeBatch(arrived: readonly Arrived[]): Promise<boolean[]> {
		const readable = inOrder(arrived.flatMap(asReadable));
		try {
			const done = readable.length > 0 ? await this.#take(readable) : [];
			return arrived.map(({ message }) => done.includes(message));
		} catch (error) {
			if (arrived.length > 1) {
				const { message } = error as Error;
				this.#service.logger.debug(`${arrived.length} events are taken in one by one: ${message}`);
			}
			return arrived.map(() => false);
		}
	}

	async #take(readable: Readable[]): Promise<JsMsg[]> {
		const events = readable.map(({ event }) => event);
		const { places, next } = await this.#service.transaction(async (client) => {
			const places = await advanceTogether(client, events);
			const next = events.filter((_, index) => places[index] === "next");
			await runConsumers(this.#service, next, client);
			return { places, next };
		});
		this.#service.afterEvents(next);
		return readable.filter((_, index) => places[index]).map(({ message }) => message);
	}

	async #receiveAlone(given: unknown, message: JsMsg): Promise<void> {
		try {
			const event = readEvent(given);
			const since = this.#early.get(message.seq) ?? Date.now();
			const place = await this.#takeAlone(event, Date.now() - since > PATIENCE_MS);
			if (place === "early") {
				this.#early.set(message.seq, since);
				redeliver(message, EARLY_MS);
			} else {
				this.#early.delete(message.seq);
			}
		} catch (error) {
			await this.#fail(given, message, error as Error);
		}
	}

	async #takeAlone(event: EventEnvelope, jump: boolean): Promise<Place> {
		const place = await this.#service.transaction(async (client) => {
			const place = await advance(client, event.aggregate, event.sequence, jump);
			if (place === "next") {
				await runConsumers(this.#service, [event], client);
			}
			return place;
		});
		if (place === "next") {
			this.#service.afterEvents([event]);
		}
		return place;
	}

	async #fail(given: unknown, message: JsMsg, error: Error): Promise<void> {
		const { logger } = this.#service;
		const { id, name, aggregate, sequence } = (given ?? {}) as Partial<EventEnvelope>;
		const what = `Event ${JSON.stringify(name)} ${JSON.stringify(id)} (${message.seq} in the stream)`;
		if (!(error instanceof NotAnEvent) && isTransient(error)) {
			logger.warn(`${what} is tried again: ${error.message}`);
			redeliver(message, backoff(message.info.redeliveryCount));
			return;
		}
		const tries = (this.#failures.get(message.seq) ?? 0) + 1;
		this.#failures.set(message.seq, tries);
		if (tries < TRIES) {
			logger.warn(`${what} is tried again: ${error.message}`);
			redeliver(message, backoff(tries));
			return;
		}
		try {
			await this.#service.transaction(async (client) => {
				await keepDeadLetter(client, given, error, tries);
				if (isPlace(aggregate, sequence)) {
					// The later events of the aggregate proceed.
					await advance(client, aggregate as string, sequence as number, true);
				}
			});
			countDeadLetter(this.#service);
			logger.error(`${what} is a dead letter after ${tries} tries: ${error.message}`);
		} catch (failure) {
			logger.warn(`${what} is tried again: ${(failure as Error).message}`);
			redeliver(message, backoff(tries));
		}
	}
}

function asReadable({ given, message }: Arrived): Readable[] {
	try {
		return [{ given, message, event: readEvent(given) }];
	} catch {
		return [];
	}
}

/** Sorts each aggregate's events by sequence; aggregates keep the order in which they arrived. */
function inOrder(readable: Readable[]): Readable[] {
	return [...Map.groupBy(readable, ({ event }) => event.aggregate).values()].flatMap((events) =>
		events.sort((one, other) => one.event.sequence - other.event.sequence),
	);
}

/** Returns an exponential backoff of up to 30 s, in ms, with jitter of up to half of it. */
function backoff(tries: number): number {
	return Math.min(30_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** Asks for redelivery. The adapter's acknowledgement that follows then has no effect. */
function redeliver(message: JsMsg, delay_ms: number): void {
	message.nak(Math.round(delay_ms));
}
