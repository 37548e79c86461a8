import type { Service, ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { type ActionName, callAction, type ParamsOf } from "../contracts/actions.ts";
import { type AggregateKind, outboxes, services } from "../contracts/services.ts";
import type { PostgresService } from "../database/postgres-service.ts";
import type { ConsistencyCheck } from "../events/consistency.ts";
import { ConsistencyChecker } from "../events/consistency.ts";
import { lastEvent } from "../events/stream.ts";
import { natsOf } from "../nats/client.ts";
import type { JobsService } from "./jobs.ts";

/** File of the column in which `npm run audit -- --accept-restore` counts lost events, for the `postgres` mixin. */
export const lostEventTables = new URL("../events/tables/lost-events.sql", import.meta.url);

/** Creates a comparison with the result of another service's action. */
export function withAction<This extends Service>(
	action: ActionName,
	findAhead: ConsistencyCheck<This>["findAhead"],
): ConsistencyCheck<This> {
	return {
		source: action,
		isAvailable: (broker) => broker.registry.actions.isAvailable(action),
		findAhead,
	};
}

/** Creates a comparison with the stream of events. */
export function withStream<This extends Service>(
	findAhead: ConsistencyCheck<This>["findAhead"],
): ConsistencyCheck<This> {
	return {
		source: "the stream of events",
		isAvailable: (broker) => natsOf(broker)?.isClosed() === false,
		findAhead,
	};
}

/** Describes a database that lacks data. */
export function isOlder(database: string, ahead: string): string {
	return `${database} was restored from an older copy: ${ahead}, which it does not have`;
}

/** Returns the first of these events that no transaction of this database has published. */
async function unknownEvent(
	{ pool }: PostgresService,
	events: { aggregate: string; sequence: number }[],
): Promise<string | undefined> {
	const { rows } = await pool.query<{ aggregate: string; sequence: number }>(
		`SELECT aggregate, t.sequence FROM unnest($1::text[], $2::integer[]) AS t (aggregate, sequence)
		LEFT JOIN event_sequences s USING (aggregate)
		WHERE t.sequence > coalesce(s.sequence, 0) LIMIT 1`,
		[events.map(({ aggregate }) => aggregate), events.map(({ sequence }) => sequence)],
	);
	return rows[0] && `event ${rows[0].sequence} of ${rows[0].aggregate}`;
}

/** Kind of an aggregate whose handled events notifications can name. */
type KnownKind = ParamsOf<"v1.notifications.takenIn">["of"];

/** Compares with notifications: the events of users or orders that it has handled must be known to their service. */
export function eventsKnown(of: KnownKind): ConsistencyCheck<PostgresService> {
	return withAction("v1.notifications.takenIn", async function () {
		const event = await unknownEvent(this, await callAction(this.broker, "v1.notifications.takenIn", { of }));
		return event && isOlder(outboxes[of], `notifications has ${event}`);
	});
}

/** Compares with the stream: the last event of each name must be known to its service. */
export function streamKnown(of: AggregateKind): ConsistencyCheck<PostgresService> {
	const names = Object.keys(services[outboxes[of]].publishes.events);
	return withStream(async function () {
		const manager = await natsOf(this.broker)?.jetstreamManager();
		const last = manager ? await Promise.all(names.map((name) => lastEvent(manager, name))) : [];
		const own = last.filter((event) => event?.aggregate.startsWith(`${of}:`));
		const event = await unknownEvent(this, own as { aggregate: string; sequence: number }[]);
		return event && isOlder(outboxes[of], `the stream has ${event}`);
	});
}

/** Members that `consistentWithOthers` adds to a service. */
export interface ConsistentService extends Service {
	consistency: ConsistencyChecker;
}

/**
 * Compares a service's data with the stream and with other services' knowledge of them, whenever one of those appears
 * and after lost connections. While a source knows more, the data were restored from an older copy: calls, health
 * checks, jobs, sweeps and events fail until an operator resolves it, since ids and numbers would be assigned twice.
 * Use it before the mixin of the database and after `jobs`.
 *
 * @param exempt Actions that work regardless.
 */
export function consistentWithOthers<This extends Service>(
	exempt: string[],
	comparisons: ConsistencyCheck<This>[],
): Partial<ServiceSchema> {
	return mixin<ConsistentService & Partial<Pick<JobsService, "pool" | "tasks">>>({
		hooks: {
			before: {
				"*"(this: ConsistentService, ctx: { action?: { rawName?: string } }) {
					return exempt.includes(ctx.action?.rawName ?? "") ? undefined : this.consistency.check();
				},
			} as never,
		},
		created() {
			this.consistency = new ConsistencyChecker(this, comparisons as ConsistencyCheck<never>[]);
			// The data may have been restored meanwhile.
			this.pool?.on("error", () => this.consistency.compareAll());
		},
		started() {
			const tasks = this.tasks ?? {};
			for (const [name, task] of Object.entries(tasks)) {
				tasks[name] = async (...args) => {
					await this.consistency.ready();
					await task?.(...args);
				};
			}
			this.consistency.start();
		},
		async stopped() {
			await this.consistency.stop();
		},
	});
}
