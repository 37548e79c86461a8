import type { OutboxRow } from "./outbox-rows.ts";

/** An event is put aside after so many failures, each while the stream acknowledged others. */
export const FAILURES_MAX = 10;
/** After a failure, doubled each time. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2000;
/** With more of them NATS takes nothing at all, and they say nothing about single events. */
const STUCK_MAX = 10_000;

/** An event that NATS did not take. */
export interface Failed {
	event: Pick<OutboxRow, "position" | "name" | "sequence" | "aggregate">;
	error: Error;
}

interface Stuck extends Failed {
	failures: number;
	/** Whether nothing was acknowledged since it failed: then NATS may have been unavailable. */
	isOpen: boolean;
	again_at: number;
}

/**
 * The events that NATS does not take while it takes others, for a reason that Toko does not know, such as a subject that was
 * taken off the stream. Their aggregates wait, the others go on.
 */
export class StuckEvents {
	/** By aggregate: of each only the first can be stuck. */
	#stuck = new Map<string, Stuck>();
	#isLookingPast = false;
	#now: () => number;

	constructor(now = () => performance.now()) {
		this.#now = now;
	}

	/** Why the first of them failed; undefined where there is none. */
	get reason(): string | undefined {
		const [first] = this.#stuck.values();
		return first?.error.message;
	}

	/**
	 * Aggregates to leave out of the next batch; where nothing is left then, those of the next list. The first one after a
	 * batch of which nothing was acknowledged has all that failed, so that many of them at the head of the outbox do not keep
	 * those behind from being tried.
	 */
	leftOut(): string[][] {
		const now = this.#now();
		const waiting = [...this.#stuck].filter(([, { again_at }]) => again_at > now);
		const lists = [waiting.map(([aggregate]) => aggregate)];
		return this.#isLookingPast ? [[...this.#stuck.keys()], ...lists] : lists;
	}

	/**
	 * Notes what became of a batch.
	 *
	 * @returns The events that are to be put aside; they are not stuck from then on.
	 */
	note(batch: Pick<OutboxRow, "aggregate">[], failed: Failed[], isAnySent: boolean): Failed[] {
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
		this.#isLookingPast = !isAnySent && !this.#isLookingPast;
		if (this.#stuck.size > STUCK_MAX) {
			this.clear();
		}
		return isAnySent ? this.#count() : [];
	}

	/** Others were acknowledged: those that had failed before are to blame. */
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

	/** Forgets them all: they are tried as if for the first time. */
	clear(): void {
		this.#stuck.clear();
		this.#isLookingPast = false;
	}
}
