import { availableParallelism, cpus } from "node:os";

/** Saturated is what works for so much of the time. */
const SATURATED = 0.9;
/** Shorter spans tell little. */
const SPAN_MS = 100;
/** It is over when no span has been saturated for so long. */
const CALM_MS = 1000;

/** Processor time up to a moment, in milliseconds. */
export interface Times {
	/** In which this process's event loop worked. */
	loop: number;
	/** In which the machine's cores worked, all together; waiting for disks is no work, nor is what has a low priority. */
	cores: number;
}

/** Tells whether this process, or its machine, has no processor time left: then those who wait for an answer come first. */
export class Saturation {
	#read: () => Times;
	#cores: number;
	#now: () => number;
	#before: Times;
	#looked_at: number;
	#saturated_at = Number.NEGATIVE_INFINITY;

	/**
	 * @param read The times up to this moment.
	 * @param cores How many cores there are.
	 */
	constructor(read = readTimes, cores = availableParallelism(), now = () => performance.now()) {
		this.#read = read;
		this.#cores = cores;
		this.#now = now;
		this.#before = read();
		this.#looked_at = now();
	}

	/** By the time since it was last asked for, a tenth of a second or more, and the second before. */
	get isSaturated(): boolean {
		const now = this.#now();
		const span = now - this.#looked_at;
		if (span >= SPAN_MS) {
			const { loop, cores } = this.#read();
			const [loopBusy, coresBusy] = [loop - this.#before.loop, cores - this.#before.cores];
			if (loopBusy > SATURATED * span || coresBusy > SATURATED * span * this.#cores) {
				this.#saturated_at = now;
			}
			[this.#before, this.#looked_at] = [{ loop, cores }, now];
		}
		return now - this.#saturated_at < CALM_MS;
	}
}

function readTimes(): Times {
	const cores = cpus().reduce((sum, { times: { user, sys, irq } }) => sum + user + sys + irq, 0);
	return { loop: performance.eventLoopUtilization().active, cores };
}
