import { setTimeout as wait } from "node:timers/promises";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { type ActionName, callAction } from "../contracts/actions.ts";
import { orderEvents } from "../contracts/orders.ts";
import { problem } from "../contracts/problems.ts";
import { userEvents } from "../contracts/users.ts";
import type { JobsService } from "./jobs.ts";
import { natsOf } from "./nats-client.ts";
import type { PostgresService } from "./postgres.ts";
import { mixin } from "./schema.ts";
import { JETSTREAM_CONNECTED, lastEvent } from "./stream.ts";

/** The column in which `npm run audit -- --accept-restore` notes what is lost, for the `postgres` mixin. */
export const lostEventTables = new URL("./tables/lost-events.sql", import.meta.url);

/** How many of the newest things services compare. */
export const NEWEST = 1000;

/** How long a source may take to answer. Without an answer calls go on. */
const PATIENCE_MS = 2000;
/** The pause before a source that gave no answer, or is ahead, is asked again; no call waits for that. */
const AGAIN_MS = 2000;
/** Jobs wait so long for services that start together with this one: what they do would be built on data that are lost. */
const STARTING_MS = 2000;

const CURE =
	"restore the other databases to the same moment, or go on without what is lost by npm run audit -- --accept-restore";

/** A source that remembers something of this service, which then has to be in the service's own data. */
export interface Comparison<This> {
	/** The source, as logs name it. */
	source: string;
	/** Compared whenever this becomes true. */
	isAvailable(broker: ServiceBroker): boolean;
	/** A sentence about which data are older than others, with an example; undefined where nothing is missing. */
	findAhead(this: This): Promise<string | undefined>;
}

/** Compares with the answers of an action of another service. */
export function withAction<This extends Service>(
	action: ActionName,
	findAhead: Comparison<This>["findAhead"],
): Comparison<This> {
	return {
		source: action,
		isAvailable: (broker) => broker.registry.actions.isAvailable(action),
		findAhead,
	};
}

/** Compares with the stream of events. */
export function withStream<This extends Service>(findAhead: Comparison<This>["findAhead"]): Comparison<This> {
	return {
		source: "the stream of events",
		isAvailable: (broker) => natsOf(broker)?.isClosed() === false,
		findAhead,
	};
}

/** The sentence about a database that lacks something. */
export function isOlder(database: string, ahead: string): string {
	return `${database} was restored from an older copy: ${ahead}, which it does not have`;
}

const DATABASES = { user: "users", order: "orders" } as const;

/** The first of these events that happened in no transaction of this database. */
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

/** Events of users or orders that notifications has taken in were published by their service. */
export function eventsKnown(of: keyof typeof DATABASES): Comparison<PostgresService> {
	return withAction("v1.notifications.takenIn", async function () {
		const event = await unknownEvent(this, await callAction(this.broker, "v1.notifications.takenIn", { of }));
		return event && isOlder(DATABASES[of], `notifications has ${event}`);
	});
}

/** The last event of each name in the stream was published by its service. */
export function streamKnown(of: keyof typeof DATABASES): Comparison<PostgresService> {
	const names = Object.keys(of === "user" ? userEvents : orderEvents);
	return withStream(async function () {
		const manager = await natsOf(this.broker)?.jetstreamManager();
		const last = manager ? await Promise.all(names.map((name) => lastEvent(manager, name))) : [];
		const own = last.filter((event) => event?.aggregate.startsWith(`${of}:`));
		const event = await unknownEvent(this, own as { aggregate: string; sequence: number }[]);
		return event && isOlder(DATABASES[of], `the stream has ${event}`);
	});
}

/** Members that `comparedWithOthers` adds to a service. */
export interface ComparedService extends Service {
	comparer: Comparer;
}

/**
 * Compares a service's data with the stream and with what other services know of them, whenever one of those appears, and
 * after lost connections. While they know more, the data were restored from an older copy: calls, health, jobs, sweeps and
 * events fail until it is mended, since ids and numbers would be given twice. Give it before the mixin of the database and
 * after `jobs`.
 *
 * @param exempt Actions that answer all the same.
 */
export function comparedWithOthers<This extends Service>(
	exempt: string[],
	comparisons: Comparison<This>[],
): Partial<ServiceSchema> {
	return mixin<ComparedService & Partial<Pick<JobsService, "pool" | "tasks">>>({
		hooks: {
			before: {
				"*"(this: ComparedService, ctx: { action?: { rawName?: string } }) {
					return exempt.includes(ctx.action?.rawName ?? "") ? undefined : this.comparer.check();
				},
			} as never,
		},
		created() {
			this.comparer = new Comparer(this, comparisons as Comparison<never>[]);
			// The data may have been restored meanwhile.
			this.pool?.on("error", () => this.comparer.compareAll());
		},
		started() {
			const tasks = this.tasks ?? {};
			for (const [name, task] of Object.entries(tasks)) {
				tasks[name] = async (...given) => {
					await this.comparer.ready();
					await task?.(...given);
				};
			}
			this.comparer.start();
		},
		async stopped() {
			await this.comparer.stop();
		},
	});
}

type Outcome = "unknown" | "silent" | "fine" | "ahead";

/** Keeps track of which sources were asked and which are ahead. */
export class Comparer {
	#service: Service;
	#outcomes: Map<Comparison<never>, Outcome>;
	#looks = new Map<Comparison<never>, Promise<void>>();
	/** Sources that were not asked since the start, or since the store was reconnected: calls wait for these. */
	#unasked: Set<Comparison<never>>;
	#retries = new Map<Comparison<never>, NodeJS.Timeout>();
	#isFine = false;
	#isStopped = false;
	#started_at = Number.NEGATIVE_INFINITY;
	#look = () => this.#lookAtNew();
	#compareAll = () => this.compareAll();

	constructor(service: Service, comparisons: Comparison<never>[]) {
		this.#service = service;
		this.#outcomes = new Map(comparisons.map((comparison) => [comparison, "unknown"]));
		this.#unasked = new Set(comparisons);
	}

	start(): void {
		this.#started_at = performance.now();
		this.#service.broker.localBus.on("$services.changed", this.#look);
		this.#service.broker.localBus.on(JETSTREAM_CONNECTED, this.#compareAll);
		this.#lookAtNew();
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#service.broker.localBus.off("$services.changed", this.#look);
		this.#service.broker.localBus.off(JETSTREAM_CONNECTED, this.#compareAll);
		for (const retry of this.#retries.values()) {
			clearTimeout(retry);
		}
		await Promise.all(this.#looks.values());
	}

	/** Compares with everybody again. */
	compareAll(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			this.#unasked.add(comparison);
			this.#note(comparison, outcome === "ahead" ? "ahead" : "unknown");
		}
		this.#lookAtNew();
	}

	/**
	 * Resolves when every source that is available was asked once. Retries of one that gave no answer run beside.
	 *
	 * @throws DATA_BEHIND while a source is ahead.
	 */
	async check(): Promise<void> {
		if (this.#isFine) {
			return;
		}
		await Promise.all(Array.from(this.#unasked, (comparison) => this.#looks.get(comparison)));
		if ([...this.#outcomes.values()].includes("ahead")) {
			throw problem("DATA_BEHIND", { service: this.#service.name });
		}
	}

	/**
	 * As `check`, for work that nobody waits for: first every source was asked, or was away for as long as services take that
	 * start together.
	 *
	 * @throws DATA_BEHIND
	 */
	async ready(): Promise<void> {
		await this.#settled();
		await this.check();
	}

	async #settled(): Promise<void> {
		while (
			[...this.#outcomes.values()].includes("unknown") &&
			!this.#isStopped &&
			performance.now() - this.#started_at < STARTING_MS
		) {
			await wait(50);
		}
	}

	#lookAtNew(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			if (!this.#isAvailable(comparison)) {
				// It may come back with other data. Who was ahead stays so.
				this.#note(comparison, outcome === "ahead" ? "ahead" : "unknown");
			} else if (outcome === "unknown") {
				this.#compare(comparison);
			}
		}
	}

	#retryLater(comparison: Comparison<never>): void {
		if (this.#isStopped) {
			return;
		}
		clearTimeout(this.#retries.get(comparison));
		const retry = setTimeout(() => {
			const outcome = this.#outcomes.get(comparison);
			if (outcome !== "silent" && outcome !== "ahead") {
				return;
			}
			if (this.#isAvailable(comparison)) {
				this.#compare(comparison);
			} else {
				this.#retryLater(comparison);
			}
		}, AGAIN_MS);
		this.#retries.set(comparison, retry.unref());
	}

	#isAvailable(comparison: Comparison<never>): boolean {
		return comparison.isAvailable(this.#service.broker);
	}

	#note(comparison: Comparison<never>, outcome: Outcome): void {
		this.#outcomes.set(comparison, outcome);
		// Who is away is asked as soon as it appears.
		this.#isFine =
			this.#looks.size === 0 &&
			[...this.#outcomes.values()].every((one) => one !== "ahead" && one !== "silent");
	}

	#compare(comparison: Comparison<never>): void {
		if (this.#isStopped || this.#looks.has(comparison)) {
			return;
		}
		const before = this.#outcomes.get(comparison);
		const look = this.#ask(comparison)
			.then((ahead) => {
				if (ahead && before !== "ahead") {
					this.#service.logger.error(`${ahead}; ${CURE}`);
				} else if (!ahead && before === "ahead") {
					this.#service.logger.info(`${this.#service.name} has what ${comparison.source} tells of it`);
				}
				return ahead ? "ahead" : "fine";
			})
			.catch((error: Error) => {
				this.#service.logger.warn(
					`${this.#service.name} is compared later: ${comparison.source}: ${error.message}`,
				);
				return before === "ahead" ? "ahead" : "silent";
			})
			.then((outcome) => {
				this.#looks.delete(comparison);
				this.#unasked.delete(comparison);
				this.#note(comparison, outcome as Outcome);
				if (outcome !== "fine") {
					this.#retryLater(comparison);
				}
			});
		this.#looks.set(comparison, look);
		this.#isFine = false;
	}

	async #ask(comparison: Comparison<never>): Promise<string | undefined> {
		const patience = new AbortController();
		const late = wait(PATIENCE_MS, undefined, { signal: patience.signal, ref: false }).then(
			() => {
				throw new Error("no answer in time");
			},
			() => undefined,
		);
		try {
			return await Promise.race([comparison.findAhead.call(this.#service as never), late]);
		} finally {
			patience.abort();
		}
	}
}
