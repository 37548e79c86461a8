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

/** The largest number of events that are taken in by one transaction. */
const BATCH_EVENTS = 200;
/** How many events a process handles alone at the same moment; each takes a connection. */
const ALONE_AT_ONCE = 12;
/** How often an event is tried before it is kept as a dead letter. */
const TRIES = 5;
/** An event that is early comes again after this, until the one before it has come. */
const EARLY_MS = 250;
/** So long it waits for one before it; then that one is in no stream any more, or is late for another reason. */
const PATIENCE_MS = 60_000;
/** So often a process tells NATS that it is at work on an event. */
const PULSE_MS = ACK_WAIT_MS / 4;

/** An event as it came. */
interface Arrived {
	given: unknown;
	message: JsMsg;
}

/** One that can be read. */
interface Readable extends Arrived {
	event: EventEnvelope;
}

/**
 * Takes events in as they arrive: those that come while a transaction is under way share the next one. An event that is
 * early, was passed over, has failed or can't be read is taken in alone, as is each event of a failed batch, so it holds
 * up no other.
 */
export class Receiver {
	#service: InboxService;
	#alone = pLimit(ALONE_AT_ONCE);
	#takeTogether = batched<Arrived, boolean>((arrived) => this.#takeBatch(arrived), { max: BATCH_EVENTS });
	/** Since when events have been waiting for one before them, by their places in the stream. */
	#early = new LRUCache<number, number>({ max: 10_000 });
	/** How often events failed, apart from waiting and from what passes, by their places in the stream. */
	#failures = new LRUCache<number, number>({ max: 10_000 });
	#underWay = new Set<JsMsg>();
	#pulse: NodeJS.Timeout | undefined;

	constructor(service: InboxService) {
		this.#service = service;
	}

	/** Takes an event in, or gives it back to the stream. */
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

	/** Tells NATS again and again that the event is worked on. */
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

	/** @returns For each event whether it is in the inbox, by this or before; the others are to be taken in alone. */
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
					// Those after it go on.
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

/** Each aggregate's events by their sequence, aggregates in the order in which they came. */
function inOrder(readable: Readable[]): Readable[] {
	return [...Map.groupBy(readable, ({ event }) => event.aggregate).values()].flatMap((events) =>
		events.sort((one, other) => one.event.sequence - other.event.sequence),
	);
}

/** 0.25 s, doubled with each try up to 30 s, of which a random half or more. */
function backoff(tries: number): number {
	return Math.min(30_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** The adapter acknowledges what is answered already to no effect. */
function redeliver(message: JsMsg, delay_ms: number): void {
	message.nak(Math.round(delay_ms));
}
