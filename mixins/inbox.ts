import { LRUCache } from "lru-cache";
import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import pLimit from "p-limit";
import type { Pool, PoolClient } from "pg";
import type { EventEnvelope } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import { NEWEST } from "./compared.ts";
import { type Consumers, type InboxService, runConsumer } from "./consumers.ts";
import { countDeadLetter, keepDeadLetter } from "./dead-letters.ts";
import { ACK_WAIT_MS, ALL_EVENTS, isPlace, NotAnEvent, readEvent } from "./events.ts";
import { isPassing } from "./failures.ts";
import { mixin } from "./schema.ts";
import { jetStreamOf } from "./stream.ts";

export type { InboxService } from "./consumers.ts";

/** The tables of an inbox and its dead letters, for the `postgres` mixin. */
export const inboxTables = new URL("./tables/inbox.sql", import.meta.url);

/** How many events a process handles at the same moment; each takes a connection. */
const AT_ONCE = 12;
/** How often an event is tried before it is kept as a dead letter. */
const TRIES = 5;
/** An event that is early comes again after this, until the one before it has come. */
const EARLY_MS = 250;
/** So long it waits for one before it; then that one is in no stream any more, or is late for another reason. */
const PATIENCE_MS = 60_000;
/** So often a process tells NATS that it is at work on an event. */
const PULSE_MS = ACK_WAIT_MS / 4;

/**
 * The inbox: each event is handled in one transaction with its place in the sequence of its thing's events. So a second
 * delivery does nothing, and the events of one thing are handled in the order in which they were committed, by all
 * processes of the group together. What a handler wants done outside its database it adds as a job of the same
 * transaction.
 *
 * An event that fails for a passing reason (the database is away) is tried until it is done; one that fails otherwise
 * `TRIES` times, further and further apart, and is then kept as a dead letter. Events that are passed over, because those
 * after them could wait no longer, are remembered and handled when they come.
 */
export function inbox<This extends InboxService>(
	group: string,
	consumers: Consumers<This>,
): Partial<ServiceSchema> {
	const limit = pLimit(AT_ONCE);
	const memory: Memory = { early: new LRUCache({ max: 10_000 }), failures: new LRUCache({ max: 10_000 }) };
	return mixin<This>({
		created(this: This) {
			this.consumers = consumers as Consumers<InboxService>;
		},
		methods: {
			checkInbox(this: This) {
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
				async handler(this: This, given: unknown, message: JsMsg) {
					const pulse = setInterval(() => message.working(), PULSE_MS);
					await limit(() => receive(this, given, message, memory)).finally(() => clearInterval(pulse));
				},
			},
		},
	});
}

/** The places of the last events that were taken in, of the users or orders with the newest ones. */
export async function newestTakenIn(
	pool: Pick<Pool, "query">,
	of: "user" | "order",
): Promise<{ aggregate: string; sequence: number }[]> {
	const { rows } = await pool.query<{ aggregate: string; sequence: number }>(
		"SELECT aggregate, sequence FROM inbox WHERE starts_with(aggregate, $1) ORDER BY taken_at DESC LIMIT $2",
		[`${of}:`, NEWEST],
	);
	return rows;
}

/** What a process remembers of events that it could not take in yet, by their places in the stream. */
interface Memory {
	/** Since when they have been waiting for one before them. */
	early: LRUCache<number, number>;
	/** How often they failed, apart from waiting and from what passes. */
	failures: LRUCache<number, number>;
}

async function receive(service: InboxService, given: unknown, message: JsMsg, memory: Memory): Promise<void> {
	try {
		const event = readEvent(given);
		const since = memory.early.get(message.seq) ?? Date.now();
		const place = await take(service, event, Date.now() - since > PATIENCE_MS);
		if (place === "early") {
			memory.early.set(message.seq, since);
			giveBack(message, EARLY_MS);
		} else {
			memory.early.delete(message.seq);
		}
	} catch (error) {
		await fail(service, given, message, error as Error, memory);
	}
}

async function fail(
	service: InboxService,
	given: unknown,
	message: JsMsg,
	error: Error,
	{ failures }: Memory,
): Promise<void> {
	const { id, name, aggregate, sequence } = (given ?? {}) as Partial<EventEnvelope>;
	const what = `Event ${JSON.stringify(name)} ${JSON.stringify(id)}`;
	if (!(error instanceof NotAnEvent) && isPassing(error)) {
		service.logger.warn(`${what} is tried again: ${error.message}`);
		giveBack(message, backoff(message.info.redeliveryCount));
		return;
	}
	const tries = (failures.get(message.seq) ?? 0) + 1;
	failures.set(message.seq, tries);
	if (tries < TRIES) {
		service.logger.warn(`${what} is tried again: ${error.message}`);
		giveBack(message, backoff(tries));
		return;
	}
	try {
		await service.transaction(async (client) => {
			await keepDeadLetter(client, given, error, tries);
			if (isPlace(aggregate, sequence)) {
				// Those after it go on.
				await advance(client, aggregate as string, sequence as number, true);
			}
		});
		countDeadLetter(service);
		service.logger.error(`${what} is a dead letter after ${tries} tries: ${error.message}`);
	} catch (failure) {
		service.logger.warn(`${what} is tried again: ${(failure as Error).message}`);
		giveBack(message, backoff(tries));
	}
}

function take(service: InboxService, event: EventEnvelope, jump: boolean): Promise<Place> {
	return service.transaction(async (client) => {
		const place = await advance(client, event.aggregate, event.sequence, jump);
		if (place === "next") {
			await runConsumer(service, event, client);
		}
		return place;
	});
}

/** Where an event is in the sequence: to be taken now, taken already, or ahead of one that is missing. */
type Place = "next" | "taken" | "early";

/** Moves on to an event; with `jump` also over some that are missing, which may still come. */
async function advance(
	client: PoolClient,
	aggregate: string,
	sequence: number,
	jump: boolean,
): Promise<Place> {
	const { rows } = await client.query<{ place: Place }>("SELECT advance_inbox($1, $2, $3) AS place", [
		aggregate,
		sequence,
		jump,
	]);
	return (rows[0] as { place: Place }).place;
}

/** 0.25 s, doubled with each try up to 30 s, of which a random half or more. */
function backoff(tries: number): number {
	return Math.min(30_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** The adapter acknowledges what is answered already to no effect. */
function giveBack(message: JsMsg, delay_ms: number): void {
	message.nak(Math.round(delay_ms));
}
