import type { OutboxRow } from "./outbox-rows.ts";

/** Maximum number of failures, each while the stream acknowledged other events, before an event is put aside. */
export const FAILURES_MAX = 10;
/** Backoff after a failure, doubled each time. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2000;
/** Maximum number of stuck events. With more, NATS accepts nothing at all, which says nothing about single events. */
const STUCK_MAX = 10_000;

/** An event that NATS did not accept. */
export interface Failed {
	event: Pick<OutboxRow, "position" | "name" | "sequence" | "aggregate">;
	error: Error;
}

interface Stuck extends Failed {
	failures: number;
	/** True if nothing was acknowledged since the event failed: NATS may have been unavailable. */
	isOpen: boolean;
	again_at: number;
}

/**
 * Events that NATS rejects while it accepts others, for a reason unknown to Toko, such as a subject that was removed
 * from the stream. Their aggregates wait, the others proceed.
 */
export class StuckEvents {
	/** Stuck events by aggregate; only the first waiting event of an aggregate can be stuck. */
	#stuck = new Map<string, Stuck>();
	#isSkipping = false;
	#now: () => number;

	constructor(now = () => performance.now()) {
		this.#now = now;
	}

	/** Reason why the first of them failed; undefined if there is none. */
	get reason(): string | undefined {
		const [first] = this.#stuck.values();
		return first?.error.message;
	}

	/**
	 * Returns lists of aggregates to exclude from the next batch; each list is used if the one before leaves no events.
	 * After a batch without any acknowledgement the first list contains all aggregates that failed, so that many of them
	 * at the head of the outbox do not block those behind.
	 */
	excluded(): string[][] {
		const now = this.#now();
		const waiting = [...this.#stuck].filter(([, { again_at }]) => again_at > now);
		const lists = [waiting.map(([aggregate]) => aggregate)];
		return this.#isSkipping ? [[...this.#stuck.keys()], ...lists] : lists;
	}

	/**
	 * Records the outcome of a batch.
	 *
	 * @returns The events to put aside, which are not stuck from then on.
	 */
	record(batch: Pick<OutboxRow, "aggregate">[], failed: Failed[], isAnySent: boolean): Failed[] {
		for (const { aggregate } of batch) {
			const failure = failed.find(({ event }) => event.aggregate === aggregate);
			const before = this.#stuck.get(aggregate);
			if (!failure) {
				this.#stuck.delete(aggregate);
			} else {
				const failures = before?.event.position === failure.event.position ? before.failures : 0;
				this.#stuck.set(aggregate, { ...failure, failures, isOpen: true, again_at: 0 });
			}
		}
		this.#isSkipping = !isAnySent && !this.#isSkipping;
		if (this.#stuck.size > STUCK_MAX) {
			this.clear();
		}
		return isAnySent ? this.#count() : [];
	}

	/** Counts a failure of the events that failed before: others were acknowledged, so the fault is theirs. */
	#count(): Failed[] {
		const over: Failed[] = [];
		for (const [aggregate, stuck] of this.#stuck) {
			if (stuck.isOpen) {
				stuck.isOpen = false;
				stuck.again_at = this.#now() + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** stuck.failures++);
			}
			if (stuck.failures >= FAILURES_MAX) {
				over.push(stuck);
				this.#stuck.delete(aggregate);
			}
		}
		return over;
	}

	/** Forgets all stuck events, which are then tried as if for the first time. */
	clear(): void {
		this.#stuck.clear();
		this.#isSkipping = false;
	}
}
