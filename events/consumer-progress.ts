/** Events that wait while nobody takes any in for so long are more than early ones or such as are tried again. */
const STALLED_MS = 90_000;
/** More events than this wait in no rush that ends. */
const BACKLOG = 1000;
/** So long a rush may take. */
const BACKLOG_MS = 5 * 60_000;

/** What NATS says of a consumer. */
export interface ConsumerState {
	/** Events that the group has not acknowledged. */
	unfinished: number;
	/** All up to here are. */
	floor: number;
}

/** How a consumer of events gets on, as one process sees it. */
export class ConsumerProgress {
	readonly #group: string;
	#state: ConsumerState | undefined;
	/** When that got better, or there was nothing to do. */
	#moved_at = 0;
	/** Since when more events wait than in a rush. */
	#behind_since: number | undefined;
	#isTold = false;
	/** Why the consumer could not be looked at. */
	#failure: string | undefined;

	constructor(group: string) {
		this.#group = group;
	}

	/**
	 * Notes a look at the consumer.
	 *
	 * @returns A line for the operator where events have come faster than they are taken in for minutes, or no longer do.
	 */
	note(state: ConsumerState, now = Date.now()): string | undefined {
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
			const wasTold = this.#isTold;
			this.#behind_since = undefined;
			this.#isTold = false;
			return wasTold ? `${this.#group} has taken in the events that waited` : undefined;
		}
		this.#behind_since ??= now;
		if (this.#isTold || now - this.#behind_since < BACKLOG_MS) {
			return undefined;
		}
		this.#isTold = true;
		const minutes = Math.round((now - this.#behind_since) / 60_000);
		return `${state.unfinished} events wait for ${this.#group}, more than ${BACKLOG} for ${minutes} minutes: it is slower than they come; start another process of it`;
	}

	/**
	 * Notes that the consumer could not be looked at.
	 *
	 * @returns Whether that is new.
	 */
	noteFailure(failure: string, now = Date.now()): boolean {
		const isNew = this.#failure !== failure;
		if (!this.#state) {
			this.#state = { unfinished: 0, floor: 0 };
			this.#moved_at = now;
		}
		this.#failure = failure;
		return isNew;
	}

	/**
	 * Why the group's events are not taken in although they are there, in words; undefined while they are.
	 *
	 * @param connected_at Since when NATS is there.
	 */
	lag(connected_at: number, now = Date.now()): string | undefined {
		const since = Math.max(this.#moved_at, connected_at);
		if (!this.#state || now - since <= STALLED_MS) {
			return undefined;
		}
		const seconds = Math.round((now - since) / 1000);
		return this.#failure
			? `the consumer ${this.#group} cannot be reached for ${seconds} s: ${this.#failure}`
			: `${this.#state.unfinished} events wait for ${this.#group}, and none was taken in for ${seconds} s`;
	}
}
