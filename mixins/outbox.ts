import type { JobHelpers } from "graphile-worker";
import type { ServiceSchema } from "moleculer";
import type { JetStreamManager, NatsError } from "nats";
import {
	type EventData,
	type EventEnvelope,
	type EventName,
	events as eventContracts,
} from "../contracts/actions.ts";
import { type Aggregate, channelOf, streamConfig } from "./events.ts";
import type { JobsService } from "./jobs.ts";
import { mixin } from "./schema.ts";

/** The tables and functions of an outbox, for the `postgres` mixin. */
export const outboxTables = new URL("./tables/outbox.sql", import.meta.url);

/**
 * Puts an event into the outbox: a job in the publisher's own database, added in the transaction that made it happen.
 * SQL functions call `publish` themselves.
 *
 * @param aggregate What it happened to; other groups take its events in the order of their commits.
 */
export async function publish<N extends EventName>(
	client: { query(sql: string, values: unknown[]): Promise<unknown> },
	name: N,
	aggregate: Aggregate,
	data: EventData<N>,
): Promise<void> {
	const { version, data: schema } = eventContracts[name];
	await client.query("SELECT publish($1, $2::integer, $3, $4::jsonb)", [
		name,
		version,
		aggregate,
		JSON.stringify(schema.parse(data)),
	]);
}

interface ChannelBroker {
	sendToChannel(name: string, payload: unknown, options: object): Promise<void>;
	channelAdapter: { stopping?: boolean; connected: boolean; manager: JetStreamManager };
}

/**
 * Publishes what the outbox holds, each thing's events in the order of their commits: one takes those along that came
 * before it and are still in the outbox. The stream drops a second copy by its message id, the inbox any later one.
 */
export function outbox(): Partial<ServiceSchema> {
	let hasStream = false;
	return mixin<JobsService>({
		created(this: JobsService) {
			this.addTasks({
				publish_event: async (payload, helpers) => {
					const broker = this.broker as unknown as ChannelBroker;
					if (broker.channelAdapter.stopping || !broker.channelAdapter.connected) {
						// The adapter would drop it without a word.
						throw new Error("not connected to JetStream");
					}
					if (!hasStream) {
						await makeStream(broker.channelAdapter.manager);
						hasStream = true;
					}
					const last = payload as EventEnvelope;
					try {
						for (const event of [...(await unpublishedBefore(last, helpers)), last]) {
							await broker.sendToChannel(channelOf(event.name), event, { msgID: event.id });
						}
					} catch (error) {
						// NATS may have lost its streams.
						hasStream = false;
						throw error;
					}
				},
			});
		},
	});
}

/** Events of the same thing that are still in the outbox. Where one is not, none before it is. */
async function unpublishedBefore(event: EventEnvelope, helpers: JobHelpers): Promise<EventEnvelope[]> {
	const found: EventEnvelope[] = [];
	for (let sequence = event.sequence - 1; sequence > 0; sequence--) {
		// The public view has no payloads.
		const { rows } = await helpers.query<{ payload: EventEnvelope }>(
			"SELECT payload FROM graphile_worker._private_jobs WHERE key = $1",
			[`event:${event.aggregate}#${sequence}`],
		);
		if (!rows[0]) {
			break;
		}
		found.unshift(rows[0].payload);
	}
	return found;
}

/** What NATS answers where there is a stream of the name with another configuration. */
const STREAM_NAME_IN_USE = 10_058;

async function makeStream(manager: JetStreamManager): Promise<void> {
	await manager.streams.add(streamConfig()).catch((error: NatsError) => {
		// It is there already, perhaps with settings that an operator has changed. A cluster says so in other words.
		if (error.api_error?.err_code !== STREAM_NAME_IN_USE) {
			throw error;
		}
	});
}
