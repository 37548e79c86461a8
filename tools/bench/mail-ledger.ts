import type { SunkMail } from "./mail-sink.ts";
import { percentile } from "./statistics.ts";

/** An order's mails: how many are due, and how many have come. */
interface Entry {
	due: number;
	come: number;
	/** When its payment was answered. */
	paid_at?: number;
	last_at: number;
}

const SLICE_MS = 100;

/** Compares the mails that came to a sink with those that are due. */
export class MailLedger {
	/** Mails that are due and have not come. */
	outstanding = 0;
	#entries = new Map<string, Entry>();
	/** How many mails came in each slice of time. */
	#slices = new Map<number, number>();
	#begun = 0;
	#ended = 0;

	/** Begins a turn: what is still due from before stays due, what is complete is dropped. */
	begin(): void {
		for (const [mark, { due, come }] of this.#entries) {
			if (due === 0 || come >= due) {
				this.#entries.delete(mark);
			}
		}
		this.#slices.clear();
		this.#begun = now();
	}

	end(): void {
		this.#ended = now();
	}

	/** Notes that an order leads to so many more mails. */
	expect(mark: string, mails: number, isPaid = false): void {
		const entry = this.#entry(mark);
		const before = missing(entry);
		entry.due += mails;
		if (isPaid) {
			entry.paid_at = now();
		}
		this.outstanding += missing(entry) - before;
	}

	/** Takes in mails; those without an order number belong to none. */
	receive(mails: SunkMail[]): void {
		for (const { mark, at_ms } of mails) {
			if (mark === undefined) {
				continue;
			}
			const entry = this.#entry(mark);
			const before = missing(entry);
			entry.come++;
			entry.last_at = at_ms;
			this.outstanding += missing(entry) - before;
			const slice = Math.floor(at_ms / SLICE_MS);
			this.#slices.set(slice, (this.#slices.get(slice) ?? 0) + 1);
		}
	}

	/** How many mails came in the last second. */
	lastSecond(): number {
		const latest = Math.floor(now() / SLICE_MS);
		let sum = 0;
		for (let slice = latest - 1000 / SLICE_MS; slice < latest; slice++) {
			sum += this.#slices.get(slice) ?? 0;
		}
		return sum;
	}

	summary(): DrainResult {
		let doubled = 0;
		let completed = 0;
		let last = this.#begun;
		const latencies: number[] = [];
		for (const entry of this.#entries.values()) {
			// Mails of orders that nobody here has made, such as of a request that timed out, are not due.
			doubled += entry.due === 0 ? 0 : Math.max(0, entry.come - entry.due);
			last = Math.max(last, entry.last_at);
			if (entry.due > 0 && entry.come >= entry.due) {
				completed++;
				if (entry.paid_at !== undefined) {
					latencies.push(Math.max(0, entry.last_at - entry.paid_at));
				}
			}
		}
		return {
			missing: this.outstanding,
			doubled,
			drained_ms: Math.max(0, last - this.#ended),
			completed,
			until_last_mail_ms: last - this.#begun,
			p50_ms: percentile(latencies, 0.5),
			p99_ms: percentile(latencies, 0.99),
		};
	}

	#entry(mark: string): Entry {
		let entry = this.#entries.get(mark);
		if (entry === undefined) {
			entry = { due: 0, come: 0, last_at: 0 };
			this.#entries.set(mark, entry);
		}
		return entry;
	}
}

function missing({ due, come }: Entry): number {
	return Math.max(0, due - come);
}

function now(): number {
	return performance.timeOrigin + performance.now();
}

/** Counts of the mails since the sink's last turn began. */
export interface DrainResult {
	/** Mails that were due and did not come in time. */
	missing: number;
	/** Mails beyond those that were due. */
	doubled: number;
	/** From the end of the turn until the last mail was there. */
	drained_ms: number;
	/** Orders whose mails are all there. */
	completed: number;
	/** From the first request until the last mail. */
	until_last_mail_ms: number;
	/** From the answer to the payment until the last mail of the order. */
	p50_ms: number;
	p99_ms: number;
}
