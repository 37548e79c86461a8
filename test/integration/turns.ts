import type { HoldStore } from "../../services/products/hold-pages.ts";

/** A call to the store that waits for its turn. */
interface Waiting {
	process: string;
	go: () => Promise<void>;
}

/**
 * Runs processes that share a store one call at a time, in an order chosen by the test. A killed process gets no more
 * turns; one whose turn comes late was frozen.
 */
export class Turns {
	#store: HoldStore;
	#waiting: Waiting[] = [];
	#killed = new Set<string>();
	#running = new Map<string, Promise<unknown>>();
	/** Checks the store between two turns. */
	#look: () => Promise<void>;

	constructor(store: HoldStore, look: () => Promise<void>) {
		this.#store = store;
		this.#look = look;
	}

	/** Starts a process; its result is part of the result of `run`. */
	start(process: string, work: (store: HoldStore) => Promise<unknown>): void {
		const gated = <S extends object>(collection: S): S =>
			new Proxy(collection, {
				get: (target, name) => {
					const method = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
					return name === "inBatches"
						? (...given: unknown[]) => this.#turns(process, Reflect.apply(method as never, target, given))
						: (...given: unknown[]) => this.#turn(process, () => method.apply(target, given));
				},
			});
		const store = { products: gated(this.#store.products), pages: gated(this.#store.pages) };
		this.#running.set(
			process,
			work(store).then(
				(value) => ({ value }),
				(error: Error) => ({ error }),
			),
		);
	}

	/**
	 * Runs calls until none is waiting.
	 *
	 * @param choose Returns the index of the next call among the waiting ones.
	 * @param kills Processes to kill, by turn.
	 * @returns The results of the processes that have ended.
	 */
	async run(choose: (among: number) => number, kills: ReadonlyMap<number, string>): Promise<Results> {
		for (let turn = 0; ; turn++) {
			// Lets each process continue to its next call.
			await new Promise((resume) => setImmediate(resume));
			const killed = kills.get(turn);
			if (killed !== undefined) {
				this.#killed.add(killed);
			}
			const alive = this.#waiting.filter(({ process }) => !this.#killed.has(process));
			if (alive.length === 0) {
				break;
			}
			const next = alive[choose(alive.length)] as Waiting;
			this.#waiting.splice(this.#waiting.indexOf(next), 1);
			await next.go();
			await this.#look();
		}
		const results: Results = {};
		for (const [process, running] of this.#running) {
			if (!this.#waiting.some((waiting) => waiting.process === process)) {
				results[process] = (await running) as Results[string];
			}
		}
		return results;
	}

	/** Takes a turn for each batch, and one for the end. */
	async *#turns(process: string, batches: AsyncIterable<unknown>): AsyncGenerator<unknown> {
		const iterator = batches[Symbol.asyncIterator]();
		for (;;) {
			const { done, value } = (await this.#turn(process, () => iterator.next())) as IteratorResult<unknown>;
			if (done) {
				return;
			}
			yield value;
		}
	}

	#turn(process: string, call: () => Promise<unknown>): Promise<unknown> {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ process, go: () => call().then(resolve, reject) });
		});
	}
}

type Results = Record<string, { value?: unknown; error?: Error }>;
