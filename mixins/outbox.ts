import type { ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { type EventData, type EventName, events as eventContracts } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import type { ConsistencyChecker } from "../events/consistency.ts";
import type { Aggregate } from "../events/envelope.ts";
import { estimateWaiting, outboxState, waitingEvents } from "../events/outbox-rows.ts";
import { Relay } from "../events/relay.ts";
import { jetStreamOf } from "../events/stream.ts";
import { listen, natsOf } from "../nats/client.ts";
import { activeRequest } from "../observability/log-context.ts";
import { outboxOldest, outboxPending } from "../observability/metrics.ts";
import { oncePerScrape } from "../observability/registry.ts";
import { activeTraceparent } from "../observability/tracing.ts";
import { gauges } from "./gauges.ts";
import { type JobsService, type PendingJob, pendingJobs } from "./jobs.ts";

/** Function files of an outbox, for the `postgres` mixin. */
export const outboxFunctions = new URL("../events/functions/outbox/", import.meta.url);

/** Table files of an outbox, for the `postgres` mixin. */
export const outboxTables = [
	new URL("../events/tables/outbox.sql", import.meta.url),
	new URL("../events/tables/outbox-table.sql", import.meta.url),
	new URL("../events/tables/outbox-urgent.sql", import.meta.url),
	new URL("../events/tables/outbox-trace.sql", import.meta.url),
	new URL("../events/tables/outbox-request.sql", import.meta.url),
];

/** Members that the `outbox` mixin adds to a service. */
export interface OutboxService extends JobsService {
	relay: Relay;
	consistency?: ConsistencyChecker;
	/** Publishes committed events at once. Connections of `this.pool` call it after their commits. */
	wakeRelay(): void;
	/** @throws EVENTS_NOT_PUBLISHED */
	checkOutbox(): Promise<void>;
}

/**
 * Inserts an event into the outbox, a table of the publisher's own database, in the transaction that causes it. SQL
 * functions call `publish` directly.
 *
 * @param aggregate Entity that the event is about; consumers handle its events in the order of their commits.
 */
export async function publish<N extends EventName>(
	client: { query(sql: string, values: unknown[]): Promise<unknown> },
	name: N,
	aggregate: Aggregate,
	data: EventData<N>,
): Promise<void> {
	const { version, data: schema } = eventContracts[name];
	await client.query("SELECT publish_caused($1, $2::integer, $3, $4::jsonb, $5, $6)", [
		name,
		version,
		aggregate,
		JSON.stringify(schema.parse(data)),
		activeTraceparent() ?? null,
		activeRequest() ?? null,
	]);
}

/** SQLSTATE of the notice that `publish` sends to the calling session. */
const EVENT_NOTICE = "TK001";

/** Waiting time of an event after which its service is unhealthy, if nothing was published meanwhile. */
const STALLED_MS = 30_000;
/** Waiting time of an event after which its service is unhealthy in any case. */
const LATE_MS = 300_000;

/**
 * Publishes the events of a database, in one of all processes that run the service; the others wake it after a commit.
 * If such a message is lost, events wait until the relay polls again.
 */
export function outbox(database: string): Partial<ServiceSchema> {
	return mixin<OutboxService>({
		mixins: [
			gauges<OutboxService>(function () {
				const waiting = oncePerScrape(() => estimateWaiting(this.pool));
				const labels = { service: this.name };
				return [
					outboxPending.add(async () => [[labels, (await waiting()).events]]),
					outboxOldest.add(async () => [[labels, (await waiting()).waiting_ms / 1000]]),
				];
			}),
		],
		created(this: OutboxService) {
			this.relay = new Relay(database, this.broker, this.logger, this.consistency);
			listen(this.broker, subjectOf(this, database), () => this.relay.wake());
			const publishing = new WeakSet<object>();
			this.pool.on("connect", (client) =>
				client.on("notice", ({ code }) => code === EVENT_NOTICE && publishing.add(client)),
			);
			// The transaction of the connection has ended.
			this.pool.on("release", (_error, client) => publishing.delete(client) && this.wakeRelay());
			this.addTasks({
				// Added by a process of the previous version.
				publish_event: async (event) => {
					await this.pool.query("SELECT take_over_event($1)", [JSON.stringify(event)]);
					this.wakeRelay();
				},
			});
		},
		methods: {
			wakeRelay(this: OutboxService) {
				if (this.relay.isHolder) {
					this.relay.wake();
				} else {
					const nats = natsOf(this.broker);
					if (nats && !nats.isClosed()) {
						nats.publish(subjectOf(this, database));
					}
				}
			},
			async checkOutbox(this: OutboxService) {
				const { name, waiting_ms, published_ms } = await outboxState(this.pool);
				const { connected_at } = jetStreamOf(this.broker);
				if (waiting_ms === null || connected_at === undefined) {
					// Without NATS nothing can be published, which is reported separately.
					return;
				}
				const late_ms = Math.min(waiting_ms, Date.now() - connected_at);
				const stalled_ms = Math.min(late_ms, published_ms ?? late_ms);
				if (stalled_ms > STALLED_MS || late_ms > LATE_MS) {
					const seconds = Math.round(waiting_ms / 1000);
					const reason = this.relay.failure ?? "the relay has not reached it";
					throw problem("EVENTS_NOT_PUBLISHED", { event: name, seconds, reason });
				}
			},
		},
		started(this: OutboxService) {
			this.relay.start();
		},
		async stopped(this: OutboxService) {
			await this.relay.stop();
		},
	});
}

/** Returns the events and jobs of a database that are due or have failed, at most 100 of each. */
export async function pendingWork(pool: OutboxService["pool"]): Promise<PendingJob[]> {
	const events = (await waitingEvents(pool)).map(({ name, waiting_since, refusal }) => ({
		task: `publish ${name}`,
		attempts: 0,
		run_at: waiting_since.toISOString(),
		last_error: refusal,
	}));
	return [...events, ...(await pendingJobs(pool))];
}

/** Subject by which processes wake the relay. */
function subjectOf({ broker }: OutboxService, database: string): string {
	return `${broker.namespace}.outbox.${database}`;
}
