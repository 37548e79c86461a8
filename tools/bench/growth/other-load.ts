import { machineTime } from "../machine.ts";
import type { ProcessorTime } from "../processor-time.ts";

/** Number of cores from which the load is reported. */
const REPORTED_CORES = 0.2;

/** Measures the load of programs that are not part of the measurement and distort its figures. */
export class OtherLoad {
	#time: ProcessorTime;
	#begun = performance.now();
	#before: number;

	/** @param time Processor time of the measured shop. */
	constructor(time: ProcessorTime) {
		this.#time = time;
		this.#before = this.#others_ms();
	}

	/** Returns remarks on the load since construction, if any. */
	remark(level: string): string[] {
		const cores = (this.#others_ms() - this.#before) / (performance.now() - this.#begun);
		return cores < REPORTED_CORES ? [] : [`at ${level} other programs used ${cores.toFixed(1)} cores`];
	}

	#others_ms(): number {
		const shop_ms = [...this.#time.now().values()].reduce((sum, ms) => sum + ms, 0);
		const { user, system } = process.cpuUsage();
		return machineTime().busy_ms - shop_ms - (user + system) / 1000;
	}
}
