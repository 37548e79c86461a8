import type { ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import type { EventEnvelope } from "../contracts/actions.ts";
import type { ServiceContract } from "../contracts/contract.ts";
import type { PostgresService } from "../database/postgres-service.ts";
import type { Consumers, InboxService } from "../events/consumers.ts";
import { inbox, inboxFunctions, inboxTables } from "./inbox.ts";
import { jobs, type PendingJob, pendingJobs } from "./jobs.ts";
import { type OutboxService, outbox, outboxFunctions, outboxTables, pendingWork } from "./outbox.ts";
import { postgres } from "./postgres.ts";

/** Members that the `stored` mixin adds to a service. */
export interface StoredService extends PostgresService {
	/** Returns the jobs and events that are due or have failed, for the action `outbox`. */
	pendingWork(): Promise<PendingJob[]>;
	/** @throws where the database does not answer; EVENTS_NOT_PUBLISHED, EVENTS_NOT_TAKEN_IN */
	checkStore(): Promise<void>;
}

/**
 * Adds what follows from the contract of a service with a PostgreSQL database: the database of its name; with `publishes` the
 * outbox and jobs; with consumers the inbox of a group of its name.
 *
 * @param migrations Folder of its `NNN-name.sql` files.
 * @param consumers Handlers of events, see `inbox`.
 * @param afterEvents Called with the handled events after each commit.
 */
export function stored<This extends InboxService>(
	{ name, publishes }: ServiceContract,
	migrations: URL,
	consumers?: Consumers<This>,
	afterEvents?: (this: This, events: EventEnvelope[]) => void,
): Partial<ServiceSchema> {
	const tables = [...(publishes ? outboxTables : []), ...(consumers ? inboxTables : [])];
	const functions = [...(publishes ? [outboxFunctions] : []), ...(consumers ? [inboxFunctions] : [])];
	return mixin<StoredService & Partial<OutboxService & InboxService>>({
		mixins: [
			...(consumers ? [inbox<This>(name, consumers, afterEvents)] : []),
			...(publishes ? [outbox(name), jobs(name)] : []),
			postgres({ database: name, migrations, tables, functions }),
		],
		methods: {
			pendingWork(this: StoredService) {
				return publishes ? pendingWork(this.pool) : pendingJobs(this.pool);
			},
			async checkStore(this: StoredService & Partial<OutboxService & InboxService>) {
				await this.pool.query("SELECT 1");
				await this.checkOutbox?.();
				this.checkInbox?.();
			},
		},
	});
}
