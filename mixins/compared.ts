import { setTimeout as wait } from "node:timers/promises";
import type { ServiceSchema } from "moleculer";
import { type ActionName, callAction } from "../contracts/actions.ts";
import { problem } from "../contracts/problems.ts";
import type { JobsService } from "./jobs.ts";
import type { PostgresService } from "./postgres.ts";
import { mixin } from "./schema.ts";

/** The column in which `npm run audit -- --accept-restore` notes what is lost, for the `postgres` mixin. */
export const lostEventTables = new URL("./tables/lost-events.sql", import.meta.url);

/** How many of the newest things services compare. */
export const NEWEST = 1000;

/** How long a service that is asked may take. Without an answer calls go on, and it is asked again. */
const PATIENCE_MS = 2000;
const AGAIN_MS = 2000;
/** Jobs wait so long for services that start together with this one: what they do would be built on data that are lost. */
const STARTING_MS = 2000;

const CURE =
	"restore the other databases to the same moment, or go on without what is lost by npm run audit -- --accept-restore";

/** Something of this service that another service knows: it cannot know more than there is. */
export interface Comparison<This> {
	/** The action that is asked: compared whenever it becomes available. */
	action: ActionName;
	/** What the other one has that this database lacks, in words; undefined where it has all. */
	findAhead(this: This): Promise<string | undefined>;
}

/** Whatever notifications has taken in of users or orders, their service has published. */
export function eventsKnown(of: "user" | "order"): Comparison<PostgresService> {
	return {
		action: "v1.notifications.takenIn",
		async findAhead() {
			const taken = await callAction(this.broker, "v1.notifications.takenIn", { of });
			const { rows } = await this.pool.query<{ aggregate: string; sequence: number }>(
				`SELECT aggregate, t.sequence FROM unnest($1::text[], $2::integer[]) AS t (aggregate, sequence)
				LEFT JOIN event_sequences s USING (aggregate)
				WHERE t.sequence > coalesce(s.sequence, 0) LIMIT 1`,
				[taken.map(({ aggregate }) => aggregate), taken.map(({ sequence }) => sequence)],
			);
			return rows[0] && `notifications has event ${rows[0].sequence} of ${rows[0].aggregate}`;
		},
	};
}

interface ComparedService extends JobsService {
	comparer: Comparer;
}

/**
 * Compares a service's data with what other services know of them, whenever one of those appears. While they know more, this
 * database was restored from an older copy: then calls, health and jobs fail until it is mended, since ids and numbers would
 * be given twice. Give it before `postgres` and after `jobs`.
 *
 * @param exempt Actions that answer all the same.
 */
export function comparedWithOthers<This extends JobsService>(
	database: string,
	exempt: string[],
	comparisons: Comparison<This>[],
): Partial<ServiceSchema> {
	return mixin<ComparedService>({
		hooks: {
			before: {
				"*"(this: ComparedService, ctx: { action?: { rawName?: string } }) {
					return exempt.includes(ctx.action?.rawName ?? "") ? undefined : this.comparer.check();
				},
			} as never,
		},
		created(this: ComparedService) {
			this.comparer = new Comparer(this, database, comparisons as Comparison<never>[]);
			// It may have been restored meanwhile.
			this.pool.on("error", () => this.comparer.compareAll());
		},
		started(this: ComparedService) {
			for (const [name, task] of Object.entries(this.tasks)) {
				this.tasks[name] = async (...given) => {
					await this.comparer.settled();
					await this.comparer.check();
					await task?.(...given);
				};
			}
			this.comparer.start();
		},
		stopped(this: ComparedService) {
			this.comparer.stop();
		},
	});
}

type Outcome = "unknown" | "silent" | "fine" | "ahead";

/** Keeps track of who was asked and who is ahead. */
class Comparer {
	#service: JobsService;
	#database: string;
	#outcomes: Map<Comparison<never>, Outcome>;
	#looks = new Map<Comparison<never>, Promise<void>>();
	#isFine = false;
	#again: NodeJS.Timeout | undefined;
	#started_at = Number.NEGATIVE_INFINITY;
	#look = () => this.#lookAtNew();

	constructor(service: JobsService, database: string, comparisons: Comparison<never>[]) {
		this.#service = service;
		this.#database = database;
		this.#outcomes = new Map(comparisons.map((comparison) => [comparison, "unknown"]));
	}

	start(): void {
		this.#started_at = performance.now();
		this.#service.broker.localBus.on("$services.changed", this.#look);
		this.#again = setInterval(() => this.#lookAgain(), AGAIN_MS).unref();
		this.#lookAtNew();
	}

	stop(): void {
		this.#service.broker.localBus.off("$services.changed", this.#look);
		clearInterval(this.#again);
	}

	/** Compares with everybody again. */
	compareAll(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			this.#note(comparison, outcome === "ahead" ? "ahead" : "unknown");
		}
		this.#lookAtNew();
	}

	/**
	 * Resolves when everybody who is there was asked.
	 *
	 * @throws DATA_BEHIND while somebody is ahead.
	 */
	async check(): Promise<void> {
		if (this.#isFine) {
			return;
		}
		await Promise.all(this.#looks.values());
		if ([...this.#outcomes.values()].includes("ahead")) {
			throw problem("DATA_BEHIND", { service: this.#service.name });
		}
	}

	/** Resolves when everybody was asked, or was away for as long as services take that start together. */
	async settled(): Promise<void> {
		while (
			[...this.#outcomes.values()].includes("unknown") &&
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

	#lookAgain(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			if ((outcome === "silent" || outcome === "ahead") && this.#isAvailable(comparison)) {
				this.#compare(comparison);
			}
		}
	}

	#isAvailable({ action }: Comparison<never>): boolean {
		return this.#service.broker.registry.actions.isAvailable(action);
	}

	#note(comparison: Comparison<never>, outcome: Outcome): void {
		this.#outcomes.set(comparison, outcome);
		// Who is away is asked as soon as it appears.
		this.#isFine =
			this.#looks.size === 0 &&
			[...this.#outcomes.values()].every((one) => one !== "ahead" && one !== "silent");
	}

	#compare(comparison: Comparison<never>): void {
		if (this.#looks.has(comparison)) {
			return;
		}
		const before = this.#outcomes.get(comparison);
		const look = this.#ask(comparison)
			.then((ahead) => {
				if (ahead && before !== "ahead") {
					this.#service.logger.error(
						`${this.#database} was restored from an older copy: ${ahead}, which it does not have; ${CURE}`,
					);
				} else if (!ahead && before === "ahead") {
					this.#service.logger.info(`${this.#database} has what ${comparison.action} tells of it`);
				}
				return ahead ? "ahead" : "fine";
			})
			.catch((error: Error) => {
				this.#service.logger.warn(
					`${this.#database} is compared later: ${comparison.action}: ${error.message}`,
				);
				return before === "ahead" ? "ahead" : "silent";
			})
			.then((outcome) => {
				this.#looks.delete(comparison);
				this.#note(comparison, outcome as Outcome);
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
