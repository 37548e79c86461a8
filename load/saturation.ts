import { cpus } from "node:os";

/** Saturated is what works for so much of the time. */
const SATURATED = 0.9;
/** Shorter spans tell little. */
const SPAN_MS = 100;
/** It is over when no span has been saturated for so long. */
const CALM_MS = 1000;

/** Tells whether this process, or its machine, has no processor time left: then those who wait for an answer come first. */
export class Saturation {
	#loop = performance.eventLoopUtilization();
	#cores = coreTimes();
	#begun_at = performance.now();
	#saturated_at = Number.NEGATIVE_INFINITY;

	/** By the time since it was last asked for, a tenth of a second or more, and the second before. */
	get isSaturated(): boolean {
		const now = performance.now();
		if (now - this.#begun_at >= SPAN_MS) {
			const loop = performance.eventLoopUtilization();
			const cores = coreTimes();
			const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
			const idle = (cores.idle - this.#cores.idle) / (cores.all - this.#cores.all);
			if (utilization > SATURATED || idle < 1 - SATURATED) {
				this.#saturated_at = now;
			}
			[this.#loop, this.#cores, this.#begun_at] = [loop, cores, now];
		}
		return now - this.#saturated_at < CALM_MS;
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
