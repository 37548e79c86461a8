import { cpus } from "node:os";

/** Share of processor time above which a process or machine is saturated. */
const SATURATED = 0.9;
/** Minimum length of a measured interval; shorter ones are too noisy. */
const SPAN_MS = 100;
/** Time without a saturated interval after which saturation ends. */
const CALM_MS = 1000;

/** Processor time up to a moment, in milliseconds. */
export interface Times {
	/** Busy time of this process's event loop. */
	loop: number;
	/** Busy time of all cores of the machine; waiting for disks and low-priority work do not count. */
	cores: number;
}

/**
 * Detects that this process or its machine has no processor time left. Requests then take precedence over other work.
 */
export class Saturation {
	#read: () => Times;
	#cores: number;
	#now: () => number;
	#before: Times;
	#read_at: number;
	#saturated_at = Number.NEGATIVE_INFINITY;

	/**
	 * @param read Returns the times up to now.
	 * @param cores Number of cores that `read` measures: those of the machine, not those that this process may use.
	 */
	constructor(read = readTimes, cores = cpus().length, now = () => performance.now()) {
		this.#read = read;
		this.#cores = cores;
		this.#now = now;
		this.#before = read();
		this.#read_at = now();
	}

	/** True if the interval since the last reading, at least 100 ms, or one within the last second was saturated. */
	get isSaturated(): boolean {
		const now = this.#now();
		const span = now - this.#read_at;
		if (span >= SPAN_MS) {
			const { loop, cores } = this.#read();
			const [loopBusy, coresBusy] = [loop - this.#before.loop, cores - this.#before.cores];
			if (loopBusy > SATURATED * span || coresBusy > SATURATED * span * this.#cores) {
				this.#saturated_at = now;
			}
			[this.#before, this.#read_at] = [{ loop, cores }, now];
		}
		return now - this.#saturated_at < CALM_MS;
	}
}

function readTimes(): Times {
	const cores = cpus().reduce((sum, { times: { user, sys, irq } }) => sum + user + sys + irq, 0);
	return { loop: performance.eventLoopUtilization().active, cores };
}
