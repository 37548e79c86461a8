import { createHash } from "node:crypto";
import type { ServiceSchema } from "moleculer";
import type { JetStreamManager } from "nats";
import type { PoolClient } from "pg";
import {
	type EventData,
	type EventEnvelope,
	type EventName,
	events as eventContracts,
} from "../contracts/actions.ts";
import type { JobsService } from "./jobs.ts";
import { mixin } from "./schema.ts";
import { settings } from "./settings.ts";

/** The channel that carries an event: `order.placed` travels as `events.order.placed` below the shop's namespace. */
export function channelOf(name: EventName): string {
	return `events.${name}`;
}

const SECOND_NS = 1_000_000_000;

/** The one stream that keeps the shop's events until every group has them. */
export function streamConfig() {
	return {
		name: `${settings.namespace}_events`,
		subjects: [`${settings.namespace}.events.>`],
		// JetStream forgets message ids after this; the inbox of a consumer never does.
		duplicate_window: 10 * 60 * SECOND_NS,
		// A group that was away for longer than this has lost events; whoever is there has them within moments.
		max_age: 30 * 24 * 3600 * SECOND_NS,
	};
}

/**
 * The outbox's half of an event: a job in the publisher's own database, added in the transaction that made it
 * happen. Use it as the second statement of such a transaction.
 *
 * @param subject What it happened to, such as an order's id; the same thing happens to it once.
 */
export async function publish<N extends EventName>(
	client: { query(sql: string, values: unknown[]): Promise<unknown> },
	name: N,
	subject: string | number,
	data: EventData<N>,
): Promise<void> {
	const event = envelope(name, subject, data);
	await client.query(
		"SELECT graphile_worker.add_job('publish_event', $1::json, max_attempts => 32767, job_key => $2)",
		[JSON.stringify(event), `event:${event.id}`],
	);
}

/**
 * The id of what happened to a subject, such as an order's id. It happens once, so whoever knows of it knows the id:
 * the audit finds by it what became of the event. In SQL: `md5(name || ':' || subject)::uuid`.
 */
export function eventId(name: EventName, subject: string | number): string {
	const hash = createHash("md5").update(`${name}:${subject}`).digest("hex");
	return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** An event ready to travel. */
export function envelope<N extends EventName>(
	name: N,
	subject: string | number,
	data: EventData<N>,
): EventEnvelope<N> {
	const { version, data: schema } = eventContracts[name];
	return {
		id: eventId(name, subject),
		name,
		version,
		occurred_at: new Date().toISOString(),
		data: schema.parse(data) as EventData<N>,
	};
}

interface ChannelBroker {
	sendToChannel(name: string, payload: unknown, options: object): Promise<void>;
	channelAdapter: { stopping?: boolean; connected: boolean; manager: JetStreamManager };
}

/** Publishes what the outbox holds. The stream drops a second copy by its message id, the inbox any later one. */
export function outbox(): Partial<ServiceSchema> {
	let hasStream = false;
	return mixin<JobsService>({
		created(this: JobsService) {
			this.addTasks({
				publish_event: async (payload) => {
					const event = payload as EventEnvelope;
					const broker = this.broker as unknown as ChannelBroker;
					if (broker.channelAdapter.stopping || !broker.channelAdapter.connected) {
						// The adapter would drop it without a word.
						throw new Error("not connected to JetStream");
					}
					if (!hasStream) {
						await makeStream(broker.channelAdapter.manager);
						hasStream = true;
					}
					await broker.sendToChannel(channelOf(event.name), event, { msgID: event.id });
				},
			});
		},
	});
}

async function makeStream(manager: JetStreamManager): Promise<void> {
	await manager.streams.add(streamConfig()).catch((error: Error) => {
		// It is there already, perhaps with settings that an operator has changed.
		if (error.message !== "stream name already in use") {
			throw error;
		}
	});
}

type Consumers<This> = {
	[N in EventName]?: (this: This, event: EventEnvelope<N>, client: PoolClient) => Promise<void>;
};

/** How long a consumer waits before it gives a message back that it could not even note down. */
const GIVE_BACK_AFTER_MS = 1000;

/**
 * The inbox: each event is handled in one transaction with its id, so that a second delivery does nothing. What a
 * handler wants done outside its database it adds as a job of the same transaction.
 */
export function inbox<This extends JobsService>(
	group: string,
	consumers: Consumers<This>,
): Partial<ServiceSchema> {
	const channels: Record<string, unknown> = {};
	for (const [name, handle] of Object.entries(consumers)) {
		channels[channelOf(name as EventName)] = {
			// Never given up: a message leaves the stream when it is in the inbox.
			maxRetries: -1,
			// Each event has a consumer of its own in the one stream, shared by all processes of the service.
			group: `${group}.${name}`,
			async handler(this: This, event: EventEnvelope) {
				try {
					await this.transaction(async (client) => {
						const { rowCount } = await client.query(
							"INSERT INTO inbox (event_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
							[event.id, event.name],
						);
						if (rowCount === 1) {
							await handle.call(this, event as never, client);
						}
					});
				} catch (error) {
					this.logger.warn(`Event ${event.name} ${event.id} is tried again: ${(error as Error).message}`);
					await new Promise((wake) => setTimeout(wake, GIVE_BACK_AFTER_MS));
					throw error;
				}
			},
		};
	}
	return mixin<This>({ channels });
}
