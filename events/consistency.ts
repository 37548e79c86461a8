import { setTimeout as wait } from "node:timers/promises";
import type { Service, ServiceBroker } from "moleculer";
import { problem } from "../contracts/problems.ts";
import { JETSTREAM_CONNECTED } from "../nats/client.ts";

/** Number of the newest records that services compare. */
export const NEWEST = 1000;

/** Time limit for a source. Without a response, calls proceed. */
const TIMEOUT_MS = 2000;

/** Interval before a source that is ahead, or did not respond, is asked again; no call waits for that. */
const RETRY_MS = 2000;

/**
 * Time limit for jobs to wait for services that start together with this one: jobs must not build on data that are
 * lost.
 */
const STARTING_MS = 2000;

const REMEDY =
	"restore the other databases to the same point in time, or continue without the lost data by npm run audit -- --accept-restore";

/** Source that knows of data of this service. The service must have all of that data itself. */
export interface ConsistencyCheck<This> {
	/** Name of the source in logs. */
	source: string;
	/** Reports whether the source can be asked. It is compared whenever this becomes true. */
	isAvailable(broker: ServiceBroker): boolean;
	/** Returns a sentence about the data that are older than others, with an example; undefined if nothing is missing. */
	findAhead(this: This): Promise<string | undefined>;
}

export type Outcome = "unknown" | "silent" | "fine" | "ahead";

/** Keeps track of the sources that were asked and of those that are ahead. */
export class ConsistencyChecker {
	#service: Service;
	#outcomes: Map<ConsistencyCheck<never>, Outcome>;
	#running = new Map<ConsistencyCheck<never>, Promise<void>>();
	/** Sources not asked since the start, or since the store was reconnected. Calls wait for these. */
	#unasked: Set<ConsistencyCheck<never>>;
	#retries = new Map<ConsistencyCheck<never>, NodeJS.Timeout>();
	#isFine = false;
	#isStopped = false;
	#started_at = Number.NEGATIVE_INFINITY;
	#onChange = () => this.#compareNew();
	#compareAll = () => this.compareAll();

	constructor(service: Service, comparisons: ConsistencyCheck<never>[]) {
		this.#service = service;
		this.#outcomes = new Map(comparisons.map((comparison) => [comparison, "unknown"]));
		this.#unasked = new Set(comparisons);
	}

	start(): void {
		this.#started_at = performance.now();
		this.#service.broker.localBus.on("$services.changed", this.#onChange);
		this.#service.broker.localBus.on(JETSTREAM_CONNECTED, this.#compareAll);
		this.#compareNew();
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#service.broker.localBus.off("$services.changed", this.#onChange);
		this.#service.broker.localBus.off(JETSTREAM_CONNECTED, this.#compareAll);
		for (const retry of this.#retries.values()) {
			clearTimeout(retry);
		}
		await Promise.all(this.#running.values());
	}

	/** Compares with all sources again. */
	compareAll(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			this.#unasked.add(comparison);
			this.#record(comparison, outcome === "ahead" ? "ahead" : "unknown");
		}
		this.#compareNew();
	}

	/**
	 * Resolves when every available source was asked once. Retries of those that did not respond run in the background.
	 *
	 * @throws DATA_BEHIND while a source is ahead.
	 */
	async check(): Promise<void> {
		if (this.#isFine) {
			return;
		}
		await Promise.all(Array.from(this.#unasked, (comparison) => this.#running.get(comparison)));
		if ([...this.#outcomes.values()].includes("ahead")) {
			throw problem("DATA_BEHIND", { service: this.#service.name });
		}
	}

	/**
	 * Like `check`, for background work: it first waits until every source was asked, but no longer than services take to
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

	#compareNew(): void {
		for (const [comparison, outcome] of this.#outcomes) {
			if (!this.#isAvailable(comparison)) {
				// The source may come back with other data. One that was ahead stays ahead.
				this.#record(comparison, outcome === "ahead" ? "ahead" : "unknown");
			} else if (outcome === "unknown") {
				this.#compare(comparison);
			}
		}
	}

	#retryLater(comparison: ConsistencyCheck<never>): void {
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
		}, RETRY_MS);
		this.#retries.set(comparison, retry.unref());
	}

	#isAvailable(comparison: ConsistencyCheck<never>): boolean {
		return comparison.isAvailable(this.#service.broker);
	}

	#record(comparison: ConsistencyCheck<never>, outcome: Outcome): void {
		this.#outcomes.set(comparison, outcome);
		// An unavailable source is asked as soon as it appears.
		this.#isFine =
			this.#running.size === 0 &&
			[...this.#outcomes.values()].every((one) => one !== "ahead" && one !== "silent");
	}

	#compare(comparison: ConsistencyCheck<never>): void {
		if (this.#isStopped || this.#running.has(comparison)) {
			return;
		}
		const before = this.#outcomes.get(comparison);
		const running = this.#ask(comparison)
			.then((ahead) => {
				if (ahead && before !== "ahead") {
					this.#service.logger.error(`${ahead}; ${REMEDY}`);
				} else if (!ahead && before === "ahead") {
					this.#service.logger.info(`${this.#service.name} is consistent with ${comparison.source} again`);
				}
				return ahead ? "ahead" : "fine";
			})
			.catch((error: Error) => {
				this.#service.logger.warn(
					`Could not compare ${this.#service.name} with ${comparison.source}, retrying: ${error.message}`,
				);
				return before === "ahead" ? "ahead" : "silent";
			})
			.then((outcome) => {
				this.#running.delete(comparison);
				this.#unasked.delete(comparison);
				this.#record(comparison, outcome as Outcome);
				if (outcome !== "fine") {
					this.#retryLater(comparison);
				}
			});
		this.#running.set(comparison, running);
		this.#isFine = false;
	}

	async #ask(comparison: ConsistencyCheck<never>): Promise<string | undefined> {
		const timer = new AbortController();
		const timeout = wait(TIMEOUT_MS, undefined, { signal: timer.signal, ref: false }).then(
			() => {
				throw new Error("no response in time");
			},
			() => undefined,
		);
		try {
			return await Promise.race([comparison.findAhead.call(this.#service as never), timeout]);
		} finally {
			timer.abort();
		}
	}
}
