import { readdirSync, readFileSync } from "node:fs";
import { processesOf } from "../test/e2e/shop-process.ts";

/** Milliseconds of processor time by part of the shop. */
export type Times = Map<string, number>;

/** A process is looked at so often; what it did between its last look and its end is not seen. */
const LOOK_EVERY_MS = 250;
/** Linux counts in ticks of this where it does not count exactly. */
const TICK_MS = 10;

/**
 * Adds up the processor time of all processes of the shop in a folder, servers included, by what they are. It is what
 * Linux says in /proc: without waiting, but more where others push things out of the caches or share a core.
 */
export class ProcessorTime {
	#folder: string;
	#partOf: (commandLine: string) => string | undefined;
	#others = new Set<number>();
	#seen = new Map<string, { part: string; ms: number }>();
	#timer: NodeJS.Timeout;

	/** @param partOf Names what a process is by its command line; undefined: it is not counted. */
	constructor(folder: string, partOf: (commandLine: string) => string | undefined) {
		this.#folder = folder;
		this.#partOf = partOf;
		this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
	}

	/** Leaves processes out, such as PostgreSQL's that answer the measurement itself. */
	leaveOut(pids: number[]): void {
		for (const pid of pids) {
			this.#others.add(pid);
		}
	}

	/** All that was used until now. */
	now(): Times {
		this.#look();
		const times: Times = new Map();
		for (const { part, ms } of this.#seen.values()) {
			times.set(part, (times.get(part) ?? 0) + ms);
		}
		return times;
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	#look(): void {
		for (const pid of processesOf(this.#folder)) {
			try {
				const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
				const part = this.#others.has(pid) ? undefined : this.#partOf(command);
				if (part !== undefined) {
					const { key, ms } = usedBy(pid);
					this.#seen.set(key, { part, ms });
				}
			} catch {
				// It has just ended.
			}
		}
	}
}

/**
 * The threads that live are counted to the nanosecond, those that have ended to a tick.
 *
 * @returns With a key that no other process has, not even a later one of the same number.
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
