/** Random numbers reproducible from a seed: mulberry32. */
export class SeededRandom {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** Returns a number from 0 up to, but not including, 1. */
	next(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let mixed = this.#state;
		mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}

	/** Returns an integer from `low` to `high`. */
	between(low: number, high: number): number {
		return low + Math.floor(this.next() * (high - low + 1));
	}

	/** Returns true with this probability. */
	happens(share: number): boolean {
		return this.next() < share;
	}

	pick<T>(from: readonly T[]): T {
		return from[Math.floor(this.next() * from.length)] as T;
	}

	shuffle<T>(cards: readonly T[]): T[] {
		return cards
			.map((card) => ({ card, at: this.next() }))
			.sort((one, other) => one.at - other.at)
			.map(({ card }) => card);
	}

	/** Returns an independent generator, so that one consumer does not affect the numbers of another. */
	branch(): SeededRandom {
		return new SeededRandom(Math.floor(this.next() * 2 ** 32));
	}
}
