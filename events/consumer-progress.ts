/** Time without progress after which waiting events count as stalled; early and retried events wait less. */
const STALLED_MS = 90_000;
/** Maximum number of waiting events in a rush that ends by itself. */
const BACKLOG = 1000;
/** Maximum duration of such a rush. */
const BACKLOG_MS = 5 * 60_000;

/** State of a consumer in NATS. */
export interface ConsumerState {
	/** Number of events that the group has not acknowledged. */
	unfinished: number;
	/** Stream sequence up to which all events are acknowledged. */
	floor: number;
}

/** Progress of a consumer of events, as one process sees it. */
export class ConsumerProgress {
	readonly #group: string;
	#state: ConsumerState | undefined;
	/** Time of the last progress, or of the last check without waiting events. */
	#moved_at = 0;
	/** Time since which more events wait than in a rush. */
	#behind_since: number | undefined;
	#isReported = false;
	/** Reason why the consumer could not be checked. */
	#failure: string | undefined;

	constructor(group: string) {
		this.#group = group;
	}

	/** Number of events that the group has not acknowledged; undefined if the last check failed. */
	get pending(): number | undefined {
		return this.#failure === undefined ? this.#state?.unfinished : undefined;
	}

	/**
	 * Records the state of the consumer.
	 *
	 * @returns A line for the operator when the group has been too slow for minutes, and when it has caught up.
	 */
	record(state: ConsumerState, now = Date.now()): string | undefined {
		const before = this.#state;
		const isMoving =
			!before ||
			state.unfinished === 0 ||
			state.floor !== before.floor ||
			state.unfinished < before.unfinished;
		this.#moved_at = isMoving ? now : this.#moved_at;
		this.#state = state;
		this.#failure = undefined;
		if (state.unfinished < BACKLOG) {
			const wasTold = this.#isReported;
			this.#behind_since = undefined;
			this.#isReported = false;
			return wasTold ? `${this.#group} has caught up with its events` : undefined;
		}
		this.#behind_since ??= now;
		if (this.#isReported || now - this.#behind_since < BACKLOG_MS) {
			return undefined;
		}
		this.#isReported = true;
		const minutes = Math.round((now - this.#behind_since) / 60_000);
		return `${state.unfinished} events are waiting for ${this.#group}, more than ${BACKLOG} for ${minutes} minutes: it is slower than they arrive; start another process of it`;
	}

	/**
	 * Records that the consumer could not be checked.
	 *
	 * @returns True if the failure is new.
	 */
	recordFailure(failure: string, now = Date.now()): boolean {
		const isNew = this.#failure !== failure;
		if (!this.#state) {
			this.#state = { unfinished: 0, floor: 0 };
			this.#moved_at = now;
		}
		this.#failure = failure;
		return isNew;
	}

	/**
	 * Describes why the group's events are not handled although they have arrived; undefined while they are.
	 *
	 * @param connected_at Time of the connection to NATS.
	 */
	lag(connected_at: number, now = Date.now()): string | undefined {
		const since = Math.max(this.#moved_at, connected_at);
		if (!this.#state || now - since <= STALLED_MS) {
			return undefined;
		}
		const seconds = Math.round((now - since) / 1000);
		return this.#failure
			? `the consumer ${this.#group} has been unreachable for ${seconds} s: ${this.#failure}`
			: `${this.#state.unfinished} events are waiting for ${this.#group}, and none was processed for ${seconds} s`;
	}
}
