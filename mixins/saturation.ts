import { cpus } from "node:os";

/** Saturated is what works for so much of the time. */
const SATURATED = 0.9;
/** Shorter spans tell little. */
const SPAN_MS = 100;

/** Tells whether this process, or its machine, has no processor time left: then those who wait for an answer come first. */
export class Saturation {
	#loop = performance.eventLoopUtilization();
	#cores = coreTimes();
	#begun_at = performance.now();
	#isSaturated = false;

	/** As it was since it was last asked for, or over the tenth of a second before that. */
	get isSaturated(): boolean {
		const now = performance.now();
		if (now - this.#begun_at >= SPAN_MS) {
			const loop = performance.eventLoopUtilization();
			const cores = coreTimes();
			const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
			const idle = (cores.idle - this.#cores.idle) / (cores.all - this.#cores.all);
			this.#isSaturated = utilization > SATURATED || idle < 1 - SATURATED;
			[this.#loop, this.#cores, this.#begun_at] = [loop, cores, now];
		}
		return this.#isSaturated;
	}
}

/** The time of all cores together, in ms since the machine's start. */
function coreTimes(): { idle: number; all: number } {
	const times = { idle: 0, all: 0 };
	for (const { times: core } of cpus()) {
		times.idle += core.idle;
		times.all += core.user + core.nice + core.sys + core.irq + core.idle;
	}
	return times;
}
