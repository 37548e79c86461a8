/**
 * Records the heap size of the process that imports it after each full garbage collection, in bytes, in the file
 * `<BENCH_HEAPS>/<pid>`. The cost is one small write per collection.
 */
// biome-ignore-all lint/style/noProcessEnv: preloaded into programs of any version of the shop.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

const folder = process.env.BENCH_HEAPS;

if (folder && isMainThread) {
	new PerformanceObserver((entries) => {
		if (entries.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) {
			try {
				writeFileSync(join(folder, String(process.pid)), String(process.memoryUsage().heapUsed));
			} catch {
				// The measurement has ended and removed the folder.
			}
		}
	}).observe({ entryTypes: ["gc"] });
}
