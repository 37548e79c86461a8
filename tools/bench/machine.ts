import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Processor time of the whole machine since its start, in milliseconds. */
export interface MachineTime {
	/** Of all processes and of the kernel. */
	busy_ms: number;
	/** What the host gave to others while this machine wanted it. */
	stolen_ms: number;
}

const TICK_MS = 10;
const TMPFS = 0x01021994;

/** Reads the first line of /proc/stat (see proc_stat(5)); zeros where there is none. */
export function machineTime(): MachineTime {
	try {
		return parseMachineTime(readFileSync("/proc/stat", "latin1"));
	} catch {
		return { busy_ms: 0, stolen_ms: 0 };
	}
}

/** `cpu user nice system idle iowait irq softirq steal …` in ticks of 10 ms. */
export function parseMachineTime(stat: string): MachineTime {
	const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (stat.split("\n")[0] ?? "")
		.trim()
		.split(/\s+/)
		.slice(1)
		.map(Number);
	return {
		busy_ms: (user + nice + system + irq + softirq) * TICK_MS,
		stolen_ms: steal * TICK_MS,
	};
}

/** How many cores there are for this process. */
export const cores = availableParallelism();

/** Whether a folder is in memory, where a commit waits for no disk. */
export function isInMemory(folder: string): boolean {
	return statfsSync(folder).type === TMPFS;
}

/** Proportional set size of a process in MB: memory that several share is counted once over all of them. */
export function memoryOf(pid: number): number {
	return sumOf(pid, ["Pss"]);
}

/**
 * The part of it that is no file's, in MB: heaps, stacks and shared buffers. Which part of a program's file counts for a process
 * depends on how many others run it.
 */
export function ownMemoryOf(pid: number): number {
	return sumOf(pid, ["Pss_Anon", "Pss_Shmem", "SwapPss"]);
}

function sumOf(pid: number, fields: string[]): number {
	try {
		const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
		const kB = fields.map((field) => Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0));
		return kB.reduce((sum, one) => sum + one, 0) / 1024;
	} catch {
		return 0;
	}
}
