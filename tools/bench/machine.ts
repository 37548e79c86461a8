import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Processor time of the whole machine since its start, in milliseconds. */
interface MachineTime {
	/** Time used by all processes and the kernel. */
	busy_ms: number;
	/** Time that the host gave to other machines while this one needed it. */
	stolen_ms: number;
}

const TICK_MS = 10;
const TMPFS = 0x01021994;

/** Reads the first line of /proc/stat (see proc_stat(5)). Returns zeros if the file is missing. */
export function machineTime(): MachineTime {
	try {
		return parseMachineTime(readFileSync("/proc/stat", "latin1"));
	} catch {
		return { busy_ms: 0, stolen_ms: 0 };
	}
}

/** Parses `cpu user nice system idle iowait irq softirq steal …` in ticks of 10 ms. */
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

/** Number of cores available to this process. */
export const cores = availableParallelism();

/** Tells whether a folder is in memory, where commits do not wait for a disk. */
export function isInMemory(folder: string): boolean {
	return statfsSync(folder).type === TMPFS;
}

/** Returns the proportional set size of a process in MB: shared memory is divided among its processes. */
export function memoryOf(pid: number): number {
	return sumOf(pid, ["Pss"]);
}

/**
 * Returns the part of the proportional set size not backed by files, in MB: heaps, stacks and shared buffers. The share
 * of a program's file depends on the number of processes that run it.
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
