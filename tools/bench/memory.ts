import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { cleanUp, commandOf, newFolder, processesOf } from "../shop-process.ts";
import { cores, ownMemoryOf } from "./machine.ts";
import { componentOf, type Side, startShop } from "./side.ts";
import { median } from "./statistics.ts";
import { RATE, SteadyLoad } from "./steady.ts";

const SAMPLE_MS = 10_000;
const LOG_EVERY_MS = 60_000;
/** Short enough for holds of unpaid orders to expire within the measurement instead of growing for half an hour. */
const ORDER_TTL_MINUTES = 2;
/** Maximum growth of a process from the warm state to the end, as a share. */
export const GROWTH_MAX = 0.1;
const FIFTHS = 5;

/** Memory of one process, or of all PostgreSQL processes together, at each sample. */
export interface MemoryLine {
	part: string;
	/** Proportional set size in MB. */
	own_mb: number[];
	/**
	 * MB of the heap in use after the last full garbage collection; NaN before the first. Empty for processes other than
	 * Node.
	 */
	heap_mb: number[];
}

/** Results up to the end, or up to the interruption. */
export interface Memory {
	begun_at: string;
	cores: number;
	node: string;
	minutes: number;
	/** Minutes since the load began, of each sample. */
	at_minutes: number[];
	lines: MemoryLine[];
	answers: number;
	failed: Record<string, number>;
}

/** Growth of the memory of a process under steady load. */
export interface Gain {
	/** Medians of the second fifth of the time, when everything is warm, and of the last fifth. */
	warm_mb: number;
	last_mb: number;
	/** Difference as a share of the first: 0.1 is 10 %. */
	share: number;
	isFlat: boolean;
}

/** Compares the last fifth with the second one. Returns undefined if there are too few samples. */
export function gainOf(values: readonly number[]): Gain | undefined {
	const fifth = Math.floor(values.length / FIFTHS);
	if (fifth === 0) {
		return undefined;
	}
	const warm_mb = median(values.slice(fifth, 2 * fifth).filter(Number.isFinite));
	const last_mb = median(values.slice(-fifth).filter(Number.isFinite));
	const share = last_mb / warm_mb - 1;
	return Number.isFinite(share) ? { warm_mb, last_mb, share, isFlat: share <= GROWTH_MAX } : undefined;
}

/**
 * Runs a shop of five processes under steady load and samples the memory of each every ten seconds.
 *
 * @param interrupted Rejects to end the measurement early; the result then covers the time so far.
 */
export async function measureMemory(
	{ minutes, directory }: { minutes: number; directory: string },
	interrupted: Promise<never>,
	log: (line: string) => void,
): Promise<Memory> {
	const mails = new Worker(new URL("./mail-sink.ts", import.meta.url), { workerData: "silent" });
	const heaps = join(newFolder(), "heaps");
	mkdirSync(heaps);
	let side: Side | undefined;
	try {
		const [port] = (await once(mails, "message")) as [number];
		const watch = pathToFileURL(join(import.meta.dirname, "heap-watch.mjs")).href;
		const environment = {
			...{ NODE_OPTIONS: `--import=${watch}`, BENCH_HEAPS: heaps },
			ORDER_TTL_MINUTES: String(ORDER_TTL_MINUTES),
		};
		log("starting a shop of five processes");
		side = await Promise.race([startShop("shop", directory, "five", port, { environment }), interrupted]);
		log(`${RATE} requests a second for ${minutes} minutes`);
		return await watchMemory(side, heaps, minutes, interrupted, log);
	} finally {
		side?.time.stop();
		await side?.postgres.close();
		await mails.terminate();
		await cleanUp();
	}
}

async function watchMemory(
	side: Side,
	heaps: string,
	minutes: number,
	interrupted: Promise<never>,
	log: (line: string) => void,
): Promise<Memory> {
	const memory: Memory = {
		...{ begun_at: new Date().toISOString(), cores, node: process.version, minutes, at_minutes: [] },
		...{ lines: [], answers: 0, failed: {} },
	};
	const stop = new AbortController();
	interrupted.catch(() => stop.abort());
	const load = new SteadyLoad(side);
	const started_at = performance.now();
	const running = load.run();
	let logged_at = 0;
	for (let sample = 1; sample * SAMPLE_MS <= minutes * 60_000 && !stop.signal.aborted; sample++) {
		const early_ms = started_at + sample * SAMPLE_MS - performance.now();
		await wait(Math.max(0, early_ms), undefined, { signal: stop.signal }).catch(() => undefined);
		if (stop.signal.aborted) {
			break;
		}
		record(
			memory,
			(performance.now() - started_at) / 60_000,
			side.time.memory(ownMemoryOf),
			heapsOf(side.folder, heaps),
		);
		memory.answers = load.answers;
		if (performance.now() - started_at - logged_at >= LOG_EVERY_MS - SAMPLE_MS / 2) {
			logged_at = performance.now() - started_at;
			log(progress(memory));
		}
	}
	load.stop();
	await running;
	return { ...memory, answers: load.answers, failed: load.failed };
}

function record(memory: Memory, minute: number, own: Map<string, number>, heaps: Map<string, number>): void {
	memory.at_minutes.push(minute);
	for (const part of [...own.keys()].filter((one) => !memory.lines.some((line) => line.part === one))) {
		const earlier = memory.at_minutes.slice(1).map(() => Number.NaN);
		memory.lines.push({ part, own_mb: [...earlier], heap_mb: [...earlier] });
	}
	for (const { part, own_mb, heap_mb } of memory.lines) {
		own_mb.push(own.get(part) ?? Number.NaN);
		heap_mb.push(heaps.get(part) ?? Number.NaN);
	}
}

/** Returns the heap sizes by component, in MB. */
function heapsOf(folder: string, heaps: string): Map<string, number> {
	const found = new Map<string, number>();
	for (const pid of processesOf(folder)) {
		const part = componentOf(commandOf(pid));
		try {
			const bytes = Number(readFileSync(join(heaps, String(pid)), "latin1"));
			if (part !== undefined) {
				found.set(part, bytes / 1024 / 1024);
			}
		} catch {
			// Not a Node process, or no collection yet.
		}
	}
	return found;
}

function progress({ at_minutes, minutes, lines, answers }: Memory): string {
	const sizes = lines.map(({ part, own_mb }) => `${part} ${(own_mb.at(-1) ?? 0).toFixed(0)}`);
	const minute = (at_minutes.at(-1) ?? 0).toFixed(0);
	return `minute ${minute} of ${minutes}, ${answers} responses; MB: ${sizes.join(", ")}`;
}
