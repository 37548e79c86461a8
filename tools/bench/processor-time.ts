import { readdirSync, readFileSync } from "node:fs";
import { belongsTo, commandOf } from "../shop-process.ts";
import { memoryOf } from "./machine.ts";

/** Milliseconds of processor time by part of the shop. */
export type Times = Map<string, number>;

/** A process is looked at so often; what it did between its last look and its end is not seen. */
const LOOK_EVERY_MS = 250;
const KNOWN_MS = 2000;
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
	/** Every process of the machine that was looked at, and what it is; looking into all of them each time would cost much. */
	#known = new Map<number, { part: string | undefined; until_ms: number }>();

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

	/** Megabytes of memory by part, now; what processes share is counted once, unless `of` counts otherwise. */
	memory(of = memoryOf): Map<string, number> {
		const memory = new Map<string, number>();
		for (const [pid, part] of this.#parts()) {
			if (!this.#others.has(pid)) {
				memory.set(part, (memory.get(part) ?? 0) + of(pid));
			}
		}
		return memory;
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	#look(): void {
		for (const [pid, part] of this.#parts()) {
			try {
				if (!this.#others.has(pid)) {
					const { key, ms } = usedBy(pid);
					this.#seen.set(key, { part, ms });
				}
			} catch {
				// It has just ended.
			}
		}
	}

	/** The shop's processes. What a process is, is looked up again after a while: it may have started another program. */
	#parts(): [pid: number, part: string][] {
		const now = performance.now();
		const pids = readdirSync("/proc")
			.filter((name) => /^\d+$/.test(name))
			.map(Number);
		const parts = pids.map((pid): [number, string | undefined] => {
			let known = this.#known.get(pid);
			if (known === undefined || known.until_ms < now) {
				const isOfShop = belongsTo(this.#folder, pid);
				const command = isOfShop ? commandOf(pid).replaceAll("\0", " ").trim() : "";
				const spread_ms = (pid % 10) * 100;
				known = { part: isOfShop ? this.#partOf(command) : undefined, until_ms: now + KNOWN_MS + spread_ms };
				this.#known.set(pid, known);
			}
			return [pid, known.part];
		});
		return parts.filter((one): one is [number, string] => one[1] !== undefined);
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
