import type { ServiceSchema } from "moleculer";
import type { JsMsg } from "nats";
import type { PoolClient } from "pg";
import type { EventEnvelope, EventName } from "../contracts/actions.ts";
import { countDeadLetter, keepDeadLetter } from "./dead-letters.ts";
import { ALL_EVENTS, readEvent } from "./events.ts";
import { isPassing } from "./failures.ts";
import type { JobsService } from "./jobs.ts";
import { mixin } from "./schema.ts";

/** The tables of an inbox and its dead letters, for the `postgres` mixin. */
export const inboxTables = new URL("./tables/inbox.sql", import.meta.url);

/** What a service does with events. A handler works in the transaction that takes the event in. */
export type Consumers<This> = {
	[N in EventName]?: (this: This, event: EventEnvelope<N>, client: PoolClient) => Promise<void>;
};

/** What the `inbox` mixin adds to a service. */
export interface InboxService extends JobsService {
	consumers: Consumers<InboxService>;
}

/** How often an event is tried before it is kept as a dead letter. */
const TRIES = 5;
/** How long an event waits for the one before it, before it is given back to the stream. */
const WAIT_MS = 5000;
const WAIT_STEP_MS = 25;
/** As often as this an event comes again for one before it that is in no stream any more. */
const WAITS = 12;

/**
 * The inbox: each event is handled in one transaction with its place in the sequence of its thing's events. So a second
 * delivery does nothing, and the events of one thing are handled in the order in which they were committed, by all
 * processes of the group together. What a handler wants done outside its database it adds as a job of the same
 * transaction.
 *
 * An event that fails for a passing reason (the database is away) is tried until it is done; one that fails otherwise
 * `TRIES` times, further and further apart, and is then kept as a dead letter.
 */
export function inbox<This extends InboxService>(
	group: string,
	consumers: Consumers<This>,
): Partial<ServiceSchema> {
	return mixin<This>({
		created(this: This) {
			this.consumers = consumers as Consumers<InboxService>;
		},
		channels: {
			[ALL_EVENTS]: {
				group,
				// Never given up by JetStream: an event leaves it when it is in the inbox or a dead letter.
				maxRetries: -1,
				handler(this: This, given: unknown, message: JsMsg) {
					return receive(this, given, message);
				},
			},
		},
	});
}

async function receive(service: InboxService, given: unknown, message: JsMsg): Promise<void> {
	const tries = message.info.redeliveryCount;
	try {
		const event = readEvent(given);
		const isLast = tries > WAITS;
		if ((await takeInTurn(service, event, isLast)) === "early") {
			giveBack(message, 0);
		}
	} catch (error) {
		await fail(service, given, message, error as Error);
	}
}

async function fail(service: InboxService, given: unknown, message: JsMsg, error: Error): Promise<void> {
	const { id, name, aggregate, sequence } = (given ?? {}) as Partial<EventEnvelope>;
	const tries = message.info.redeliveryCount;
	const what = `Event ${name} ${id}`;
	if (tries < TRIES || isPassing(error)) {
		service.logger.warn(`${what} is tried again: ${error.message}`);
		giveBack(message, backoff(tries));
		return;
	}
	try {
		await service.transaction(async (client) => {
			await keepDeadLetter(client, given, error, tries);
			if (aggregate && sequence) {
				// Those after it go on.
				await advance(client, aggregate, sequence, true);
			}
		});
		countDeadLetter(service);
		service.logger.error(`${what} is a dead letter after ${tries} tries: ${error.message}`);
	} catch (failure) {
		service.logger.warn(`${what} is tried again: ${(failure as Error).message}`);
		giveBack(message, backoff(tries));
	}
}

/** Waits a moment for the events before it. */
async function takeInTurn(service: InboxService, event: EventEnvelope, isLast: boolean) {
	const deadline = Date.now() + WAIT_MS;
	for (;;) {
		const taken = await take(service, event, isLast);
		if (taken !== "early" || Date.now() > deadline) {
			return taken;
		}
		await new Promise((wake) => setTimeout(wake, WAIT_STEP_MS));
	}
}

function take(service: InboxService, event: EventEnvelope, isLast: boolean): Promise<Place> {
	return service.transaction(async (client) => {
		const place = await advance(client, event.aggregate, event.sequence, isLast);
		if (place === "next") {
			await runConsumer(service, event, client);
		}
		return place;
	});
}

/** Does what the service does with an event, if anything. */
export async function runConsumer(
	service: InboxService,
	event: EventEnvelope,
	client: PoolClient,
): Promise<void> {
	await service.consumers[event.name]?.call(service, event as never, client);
}

/** Where an event is in the sequence: to be taken now, taken already, or ahead of one that is missing. */
type Place = "next" | "taken" | "early";

/** Moves on to an event; with `jump` also over some that are missing. */
async function advance(
	client: PoolClient,
	aggregate: string,
	sequence: number,
	jump: boolean,
): Promise<Place> {
	const { rowCount } =
		sequence === 1 || jump
			? await client.query(
					`INSERT INTO inbox (aggregate, sequence) VALUES ($1, $2)
					ON CONFLICT (aggregate) DO UPDATE SET sequence = $2, taken_at = now() WHERE inbox.sequence < $2`,
					[aggregate, sequence],
				)
			: await client.query(
					"UPDATE inbox SET sequence = $2, taken_at = now() WHERE aggregate = $1 AND sequence = $2 - 1",
					[aggregate, sequence],
				);
	if (rowCount === 1) {
		return "next";
	}
	const { rows } = await client.query<{ sequence: number }>(
		"SELECT sequence FROM inbox WHERE aggregate = $1",
		[aggregate],
	);
	return (rows[0]?.sequence ?? 0) >= sequence ? "taken" : "early";
}

/** 0.25 s, doubled with each try up to 30 s, of which a random half or more. */
function backoff(tries: number): number {
	return Math.min(30_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** The adapter acknowledges what is answered already to no effect. */
function giveBack(message: JsMsg, delay_ms: number): void {
	message.nak(Math.round(delay_ms));
}
