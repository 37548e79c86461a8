import type { SunkMail } from "./mail-sink.ts";
import { percentile } from "./statistics.ts";

/** Number of mails of an order that are expected and that have arrived. */
interface Entry {
	due: number;
	come: number;
	/** Time of the response to its payment. */
	paid_at?: number;
	last_at: number;
}

const SLICE_MS = 100;

/** Compares the mails received by a sink with the expected ones. */
export class MailLedger {
	/** Number of mails that are expected but have not arrived. */
	outstanding = 0;
	#entries = new Map<string, Entry>();
	/** Number of mails received in each time slice. */
	#slices = new Map<number, number>();
	#begun = 0;
	#ended = 0;

	/** Starts a turn. Incomplete orders from earlier turns remain expected; complete ones are dropped. */
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

	/** Adds mails expected for an order. */
	expect(mark: string, mails: number, isPaid = false): void {
		const entry = this.#entry(mark);
		const before = missing(entry);
		entry.due += mails;
		if (isPaid) {
			entry.paid_at = now();
		}
		this.outstanding += missing(entry) - before;
	}

	/** Counts received mails; those without an order number are ignored. */
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

	/** Returns the number of mails received in the last second. */
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
			// Mails for orders unknown here, for instance after a request timeout, are not expected.
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

/** Counts of the mails since the last turn of the sink began. */
export interface DrainResult {
	/** Number of expected mails that did not arrive in time. */
	missing: number;
	/** Number of mails beyond the expected ones. */
	doubled: number;
	/** Milliseconds from the end of the turn to the last mail. */
	drained_ms: number;
	/** Number of orders whose mails have all arrived. */
	completed: number;
	/** Milliseconds from the first request to the last mail. */
	until_last_mail_ms: number;
	/** Percentiles of the milliseconds from the payment response to the last mail of the order. */
	p50_ms: number;
	p99_ms: number;
}
