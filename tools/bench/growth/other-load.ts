import { machineTime } from "../machine.ts";
import type { ProcessorTime } from "../processor-time.ts";

/** From so many cores on the reader is told. */
const WORTH_TELLING = 0.2;

/** Watches what programs use that are no part of the measurement, of which figures get worse. */
export class OtherLoad {
	#time: ProcessorTime;
	#begun = performance.now();
	#before: number;

	/** @param time Of the shop that is measured. */
	constructor(time: ProcessorTime) {
		this.#time = time;
		this.#before = this.#others_ms();
	}

	/** Remarks since it was made, if there are any. */
	remark(level: string): string[] {
		const cores = (this.#others_ms() - this.#before) / (performance.now() - this.#begun);
		return cores < WORTH_TELLING ? [] : [`at ${level} other programs used ${cores.toFixed(1)} cores`];
	}

	#others_ms(): number {
		const shop_ms = [...this.#time.now().values()].reduce((sum, ms) => sum + ms, 0);
		const { user, system } = process.cpuUsage();
		return machineTime().busy_ms - shop_ms - (user + system) / 1000;
	}
}
