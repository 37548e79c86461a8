import { LRUCache } from "lru-cache";
import type { LocalTrace } from "./spans.ts";

/** Unsampled traces: their parts in this process, retained since their request may fail in another one, and their outcomes. */
export class UnsampledTraces {
	#retained = new LRUCache<string, Retained>({
		max: RETAINED_SPANS,
		maxSize: RETAINED_SPANS,
		sizeCalculation: ({ spans }) => spans,
	});
	/** Ids of traces that failed, so that parts that end later are exported too. */
	#failed = new LRUCache<string, true>({ max: FAILED_MAX });
	/** Ids of traces that began in this process and whose request succeeded, so that parts that begin later are not recorded. */
	#succeeded = new LRUCache<string, true>({ max: SUCCEEDED_MAX });

	/** Retains a part of a trace until there are many later ones, or exports it if the trace has failed. */
	add(local: LocalTrace): void {
		if (this.#failed.has(local.trace_id)) {
			local.keep();
			return;
		}
		const { locals = [], spans = 0 } = this.#retained.get(local.trace_id) ?? {};
		locals.push(local);
		this.#retained.set(local.trace_id, { locals, spans: spans + local.waiting });
	}

	/** Exports what there is of a failed trace, and what comes. */
	keep(trace_id: string): void {
		this.#failed.set(trace_id, true);
		const { locals = [] } = this.#retained.get(trace_id) ?? {};
		this.#retained.delete(trace_id);
		for (const local of locals) {
			local.keep();
		}
	}

	/** Notes that the request has succeeded with which a trace began. */
	noteSuccess(trace_id: string): void {
		this.#succeeded.set(trace_id, true);
	}

	/** Tells whether a trace began in this process, and its request has succeeded. */
	hasSucceeded(trace_id: string): boolean {
		return this.#succeeded.has(trace_id);
	}
}

/** Parts of a trace, and the number of their spans. */
interface Retained {
	readonly locals: LocalTrace[];
	readonly spans: number;
}

/** Maximum number of retained spans, some 300 bytes each. */
const RETAINED_SPANS = 20_000;
/** Maximum number of remembered failed traces. */
const FAILED_MAX = 1000;
/** Maximum number of remembered traces that succeeded: those of a second at full load, within which most of their events are handled. */
const SUCCEEDED_MAX = 1000;
