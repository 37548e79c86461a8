import { readdirSync, readFileSync } from "node:fs";
import { belongsTo, commandOf } from "../shop-process.ts";
import { memoryOf } from "./machine.ts";

/** Milliseconds of processor time by component of the shop. */
export type Times = Map<string, number>;

/** Interval between two samples of a process; its usage between the last sample and its exit is not counted. */
const SAMPLE_EVERY_MS = 250;
const CACHE_MS = 2000;
/** Resolution of the tick counters of Linux, used where no exact counter exists. */
const TICK_MS = 10;

/**
 * Adds up the processor time of all processes of the shop in a folder, including servers, by component. The values come
 * from /proc: they exclude waiting, but grow if other programs evict the caches or share a core.
 */
export class ProcessorTime {
	#folder: string;
	#componentOf: (commandLine: string) => string | undefined;
	#excluded = new Set<number>();
	#seen = new Map<string, { component: string; ms: number }>();
	#timer: NodeJS.Timeout;
	/** Components of all processes of the machine, cached because reading them every time is expensive. */
	#cache = new Map<number, { component: string | undefined; until_ms: number }>();

	/** @param componentOf Returns the component of a process by its command line; undefined to ignore it. */
	constructor(folder: string, componentOf: (commandLine: string) => string | undefined) {
		this.#folder = folder;
		this.#componentOf = componentOf;
		this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
	}

	/** Excludes processes, such as the PostgreSQL backends that serve the measurement itself. */
	exclude(pids: number[]): void {
		for (const pid of pids) {
			this.#excluded.add(pid);
		}
	}

	/** Returns the time used so far. */
	now(): Times {
		this.#sample();
		const times: Times = new Map();
		for (const { component, ms } of this.#seen.values()) {
			times.set(component, (times.get(component) ?? 0) + ms);
		}
		return times;
	}

	/** Returns the current memory in MB by component. By default, memory shared between processes is counted once. */
	memory(of = memoryOf): Map<string, number> {
		const memory = new Map<string, number>();
		for (const [pid, component] of this.#components()) {
			if (!this.#excluded.has(pid)) {
				memory.set(component, (memory.get(component) ?? 0) + of(pid));
			}
		}
		return memory;
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	#sample(): void {
		for (const [pid, component] of this.#components()) {
			try {
				if (!this.#excluded.has(pid)) {
					const { key, ms } = usedBy(pid);
					this.#seen.set(key, { component, ms });
				}
			} catch {
				// The process has just exited.
			}
		}
	}

	/**
	 * Returns the processes of the shop. The component of a process is read again after a while, since it may have
	 * executed another program.
	 */
	#components(): [pid: number, component: string][] {
		const now = performance.now();
		const pids = readdirSync("/proc")
			.filter((name) => /^\d+$/.test(name))
			.map(Number);
		const components = pids.map((pid): [number, string | undefined] => {
			let cached = this.#cache.get(pid);
			if (cached === undefined || cached.until_ms < now) {
				const isOfShop = belongsTo(this.#folder, pid);
				const command = isOfShop ? commandOf(pid) : "";
				const spread_ms = (pid % 10) * 100;
				cached = {
					component: isOfShop ? this.#componentOf(command) : undefined,
					until_ms: now + CACHE_MS + spread_ms,
				};
				this.#cache.set(pid, cached);
			}
			return [pid, cached.component];
		});
		return components.filter((one): one is [number, string] => one[1] !== undefined);
	}
}

/**
 * Reads the processor time of a process: live threads in nanoseconds, exited ones in ticks.
 *
 * @returns The time with a key that stays unique if the process id is reused.
 */
function usedBy(pid: number): { key: string; ms: number } {
	const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const ticks = Number(fields[11]) + Number(fields[12]);
	const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
		const [nanoseconds = ""] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
		return Number(nanoseconds) / 1e6;
	});
	const exact = threads.reduce((sum, ms) => sum + ms, 0);
	return { key: `${pid} ${fields[19]}`, ms: Math.max(exact, ticks * TICK_MS) };
}
